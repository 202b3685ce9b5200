"""Sightings: what a way to find peers tells, one set after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

from tenure.peer.discovery.discovery import Discovery
from tenure.peer.discovery.peer import Peer

__all__ = ["Sightings", "play", "until", "watched"]

GIVE_UP_S = 60  # a test that waits this long hangs; nothing is measured by it


class Sightings:
    """The sets that a watch yields, as a test waits for them."""

    def __init__(self, sets: AsyncIterator[frozenset[Peer]]) -> None:
        self._sets = sets

    async def next(self) -> set[Peer]:
        """Wait for the next set."""
        return set(await anext(self._sets))

    def soon(self) -> asyncio.Task[set[Peer]]:
        """Begin to wait for the next set."""
        return asyncio.create_task(self.next())


async def until(is_true: Callable[[], bool]) -> None:
    """Wait for something that no set tells."""
    while not is_true():  # noqa: ASYNC110  # what is waited for has no event
        await asyncio.sleep(0.01)


@asynccontextmanager
async def watched(discovery: Discovery) -> AsyncIterator[Sightings]:
    """Watch, and leave the watch in the end."""
    async with aclosing(discovery.watch()) as sets:  # type: ignore[type-var]
        yield Sightings(sets)


def play(scene: Callable[[], Awaitable[None]]) -> None:
    """Run a scene; whatever it leaves behind is a fault."""

    async def guarded() -> None:
        async with asyncio.timeout(GIVE_UP_S):
            await scene()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left

    asyncio.run(guarded())
