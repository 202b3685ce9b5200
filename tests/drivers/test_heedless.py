"""A body that ignores everything: behind a fence it is harmless, without one it does damage."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tenure import LeaderElector, MemoryLock, Term, Timing, blocking
from tenure.events import CampaignStarted
from tenure.testing.faulty_lock import CALM, FaultyLock
from tenure.testing.virtual_time import run_simulated
from tests.drivers import tools
from tests.drivers.ledger import Ledger
from tests.drivers.tools import ROOMY, Recorder, wait_until

ENOUGH = 20  # writes that come too late

fenced_or_not = pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "unfenced"])


@pytest.fixture
def ledger(fenced: bool) -> Iterator[Ledger]:
    with contextlib.closing(Ledger(fenced=fenced)) as ledger:
        yield ledger


def judge(ledger: Ledger, *, fenced: bool) -> None:
    """Check the history: what the heedless leader a wrote while b, its successor, led."""
    first, second = sorted(ledger.found)
    of_a = [attempt for attempt in ledger.attempts if attempt.writer == "a"]
    of_b = [attempt for attempt in ledger.attempts if attempt.writer == "b"]
    assert {attempt.token for attempt in of_a} == {first}
    assert {attempt.token for attempt in of_b} == {second}
    assert of_a[0].valid, "it did lead"
    assert of_a[0].accepted
    assert all(attempt.accepted for attempt in of_b), "the fence is in the way of nobody else"
    late = ledger.late()
    assert len(late) >= ENOUGH
    assert all(attempt.writer == "a" and not attempt.valid for attempt in late)
    tokens = [attempt.token for attempt in ledger.attempts if attempt.accepted]
    goes_back = any(later < earlier for earlier, later in pairwise(tokens))
    since_b_began = ledger.rows()[len(ledger.found[second]) :]
    if fenced:
        assert not any(attempt.accepted for attempt in late)
        assert not goes_back
        assert since_b_began == ["b"] * len(of_b), "b alone writes to what it has read"
    else:
        assert all(attempt.accepted for attempt in late)
        assert goes_back
        assert since_b_began.count("a") == len(late)


@fenced_or_not
@pytest.mark.parametrize("end", ["cut off", "record deleted", "drained too long"])
def test_a_coroutine_that_swallows_every_cancellation(ledger: Ledger, fenced: bool, end: str) -> None:
    cancellations: list[bool] = []
    campaigns = Recorder()

    async def heedless(term: Term) -> None:
        ledger.begin(term.token)
        while len(ledger.late()) < ENOUGH:
            try:
                await asyncio.sleep(0.5)
            except asyncio.CancelledError:
                cancellations.append(term.is_valid())
            ledger.write("a", term)

    async def heedful(term: Term) -> None:
        ledger.begin(term.token)
        while True:
            await asyncio.sleep(0.7)
            term.check(remaining_s=1)
            ledger.write("b", term)

    async def scene() -> None:
        memory = MemoryLock()
        lock = FaultyLock(memory, weather=CALM)
        a = LeaderElector(lock.seen_by("a"), identity="a", drain_timeout=5)
        b = LeaderElector(lock.seen_by("b"), identity="b")
        a.subscribe(campaigns)
        running = asyncio.create_task(a.run(heedless))
        await asyncio.sleep(3)
        async with b.running(heedful):
            await asyncio.sleep(3)
            if end == "cut off":
                lock.cut("a")
            elif end == "record deleted":
                memory.delete()
            else:
                running.cancel()
            while len(ledger.late()) < ENOUGH:
                assert campaigns.seen(CampaignStarted) == 1, "no campaign before the body has ended"
                await asyncio.sleep(0.1)
            assert b.is_leader()
            assert not a.is_leader()
            running.cancel()
            await asyncio.wait({running})

    run_simulated(scene())
    assert cancellations == ([True, False] if end == "drained too long" else [False])
    judge(ledger, fenced=fenced)


@fenced_or_not
@pytest.mark.parametrize("end", ["cut off", "record deleted", "drained too long"])
def test_a_thread_that_never_looks_at_its_term(ledger: Ledger, fenced: bool, end: str) -> None:
    def heedless(term: blocking.Term) -> None:
        if ledger.found:
            return  # it leads once more, after b
        ledger.begin(term.token)
        while len(ledger.late()) < ENOUGH:
            time.sleep(0.01)
            ledger.write("a", term)

    def heedful(term: blocking.Term) -> None:
        ledger.begin(term.token)
        while not term.wait_ending(timeout=0.01):
            term.check()
            ledger.write("b", term)

    memory = MemoryLock()
    lock = tools.FaultyLock(memory)
    a = blocking.LeaderElector(lock, identity="a", timing=Timing(lease_duration=1.5), drain_timeout=0.1)
    b = blocking.LeaderElector(memory, identity="b", timing=ROOMY)
    with contextlib.ExitStack() as of_b:
        with a.running(heedless):
            wait_until(lambda: ledger.attempts)
            of_b.enter_context(b.running(heedful))
            wait_until(lambda: b.leader == "a")
            if end == "cut off":
                lock.down.set()
            elif end == "record deleted":
                memory.delete()
            if end != "drained too long":
                wait_until(lambda: len(ledger.late()) >= ENOUGH)
        assert b.is_leader()
    judge(ledger, fenced=fenced)
