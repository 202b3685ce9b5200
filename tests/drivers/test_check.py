"""``term.check(remaining_s=...)`` before a critical section: what begins also ends within the term."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import pytest

from tenure import LeaderElector, LeadershipLostError, MemoryLock, Term
from tenure.testing.faulty_lock import CALM, STORMY, FaultyLock
from tenure.testing.virtual_time import run_simulated

SECTION_S = 3.0


def test_it_wants_what_is_left_and_no_more() -> None:
    async def scene() -> None:
        lock = FaultyLock(MemoryLock(), weather=CALM)
        with pytest.raises(LeadershipLostError, match="could not be renewed in time"):
            async with LeaderElector(lock.seen_by("a")).term() as term:
                lock.cut("a")
                for _ in range(5):
                    left_s = term.remaining_s()
                    term.check()
                    term.check(remaining_s=left_s)
                    wanted_s = left_s + 0.5
                    message = f"has {left_s:.3f} s left, {wanted_s:g} s are wanted"
                    with pytest.raises(LeadershipLostError, match=re.escape(message)):
                        term.check(remaining_s=wanted_s)
                    assert term.is_valid(), "who asks for more than there is has lost nothing"
                    await asyncio.sleep(1)
                    assert term.remaining_s() == pytest.approx(left_s - 1)
                lock.heal("a")
                await asyncio.sleep(4)
                assert term.remaining_s() > left_s, "a renewal came through"
                lock.cut("a")
                await asyncio.Event().wait()

    run_simulated(scene())


@dataclass
class Sections:
    """How many critical sections were done within a term, cut short by its end, or not begun at all."""

    done: int = 0
    cut_short: int = 0
    put_off: int = 0


async def _work_through_a_storm(sections: Sections, seed: int, remaining_s: float) -> None:
    lock = FaultyLock(MemoryLock(), seed=seed, weather=STORMY)

    async def work(term: Term) -> None:
        while True:
            try:
                term.check(remaining_s=remaining_s)
            except LeadershipLostError:
                sections.put_off += 1
                await asyncio.sleep(0.5)
                continue
            try:
                await asyncio.sleep(SECTION_S)
            finally:
                if term.is_valid():
                    sections.done += 1
                else:
                    sections.cut_short += 1

    async with LeaderElector(lock.seen_by("a")).running(work):
        for outage in range(10):
            await asyncio.sleep(20 + outage)
            lock.cut("a")
            await asyncio.sleep(15)
            lock.heal("a")
        await asyncio.sleep(SECTION_S / 2)
    await lock.settle()


@pytest.mark.parametrize("checked", [True, False])
def test_a_section_that_was_checked_for_ends_within_the_term(checked: bool) -> None:
    sections = Sections()
    for seed in range(10):
        remaining_s = SECTION_S if checked else 0.0
        run_simulated(_work_through_a_storm(sections, seed, remaining_s), seed=seed)
    assert sections.done > 300
    if checked:
        assert sections.cut_short == 0
        assert sections.put_off > 100
    else:
        assert sections.cut_short > 50
