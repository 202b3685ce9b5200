"""A watch that falls silent while nothing is waited for but news: a read now and then tells."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tenure import LeaderElector, LeaderObserver, MemoryLock, Term
from tenure.record import UnreadableRecord
from tenure.testing.faulty_lock import CALM, FaultyLock
from tenure.testing.virtual_time import run_simulated

# A proxy keeps the connection of a watch alive, whatever became of it.
SILENT = replace(CALM, watch_life_s=1e5, watch_silence_s=1e5)


async def _stay(term: Term) -> None:
    await asyncio.Event().wait()


def test_an_observer_is_not_blind_for_ever() -> None:
    async def scene() -> tuple[str | None, str | None]:
        lock = FaultyLock(MemoryLock(), weather=SILENT)
        async with LeaderObserver(lock.seen_by("o")) as seen:
            await asyncio.sleep(1)
            before = seen.leader
            lock.cut("o")  # its watch tells nothing any more
            lock.heal("o")
            async with LeaderElector(lock.seen_by("a"), identity="a").running(_stay):
                await asyncio.sleep(120)
                return before, seen.leader

    assert run_simulated(scene()) == ("", "a")


def test_a_candidate_finds_out_that_an_unreadable_record_is_gone() -> None:
    async def scene() -> bool:
        memory = MemoryLock()
        lock = FaultyLock(memory, weather=SILENT)
        memory.edit(UnreadableRecord("holderIdentity is a list"))
        async with LeaderElector(lock.seen_by("a"), identity="a").running(_stay) as elector:
            await asyncio.sleep(1)
            lock.cut("a")
            lock.heal("a")
            memory.delete()
            await asyncio.sleep(120)
            return elector.is_leader()

    assert run_simulated(scene())
