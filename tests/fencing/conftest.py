"""One suite for every adapter that keeps its fence on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.fencing.arena import KINDS, Arena, arena

Play = Callable[[Callable[[Arena], Awaitable[None]]], None]

GIVE_UP_S = 60  # a hang guard, nothing that a test measures


@pytest.fixture(params=KINDS)
def play(request: pytest.FixtureRequest) -> Play:
    """Run a scene in an arena of every kind."""
    where: str = request.getfixturevalue(KINDS[request.param][0])

    def run(scene: Callable[[Arena], Awaitable[None]]) -> None:
        async def guarded() -> None:
            async with asyncio.timeout(GIVE_UP_S), arena(request.param, where) as opened:
                await scene(opened)

        asyncio.run(guarded())

    return run
