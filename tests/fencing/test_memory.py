"""MemoryFence: lower is refused, equal passes, other elections are none of its business."""

from __future__ import annotations

import asyncio

import pytest

from tenure import StaleTokenError
from tenure.fencing.memory import MemoryFence
from tenure.token import FencingToken


def test_a_lower_token_is_refused_and_an_equal_one_passes() -> None:
    async def story() -> None:
        fence = MemoryFence()
        await fence.raise_to(FencingToken(0, 5, "default/a"))
        await fence.raise_to(FencingToken(0, 5, "default/a"))
        with pytest.raises(StaleTokenError, match="has seen token 5 of default/a and refuses 4"):
            await fence.raise_to(FencingToken(0, 4, "default/a"))
        await fence.raise_to(FencingToken(1, 0, "default/a"))
        assert fence.highest == FencingToken(1, 0, "default/a")

    asyncio.run(story())


def test_a_token_of_another_election_is_an_error() -> None:
    async def story() -> None:
        fence = MemoryFence()
        await fence.raise_to(FencingToken(0, 5, "default/a"))
        with pytest.raises(TypeError, match="two elections"):
            await fence.raise_to(FencingToken(0, 6, "default/b"))

    asyncio.run(story())
