"""Draining and overrun: a term is renewed until its body has ended, and only then released; or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tenure import LeaderElector, LeadershipLostError, MemoryLock, Term, Timing, blocking
from tenure.events import (
    CampaignStarted,
    Elected,
    Event,
    LossReason,
    Lost,
    Overrun,
    Released,
    Renewed,
    TermEnding,
)
from tenure.testing.faulty_lock import CALM, FaultyLock
from tenure.testing.virtual_time import run_simulated, true_time
from tests.drivers import tools
from tests.drivers.tools import QUICK, ROOMY, Recorder, forever, holder_of, wait_until

Stop = Callable[[LeaderElector, Callable[[Term], Awaitable[None]], float], Awaitable[None]]


async def leave_running(
    elector: LeaderElector, work: Callable[[Term], Awaitable[None]], after_s: float
) -> None:
    async with elector.running(work):
        await asyncio.sleep(after_s)


async def cancel_run(elector: LeaderElector, work: Callable[[Term], Awaitable[None]], after_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(after_s):
            await elector.run(work)


async def resign(elector: LeaderElector, work: Callable[[Term], Awaitable[None]], after_s: float) -> None:
    async with elector.running(work):
        await asyncio.sleep(after_s)
        elector.resign()
        await given_up(elector)


async def transfer(elector: LeaderElector, work: Callable[[Term], Awaitable[None]], after_s: float) -> None:
    async with elector.running(work):
        await asyncio.sleep(after_s)
        elector.transfer("b")
        await given_up(elector)


async def given_up(elector: LeaderElector) -> None:
    while elector.is_leader():  # noqa: ASYNC110  (what is waited for has no event)
        await asyncio.sleep(0.1)


class Story:
    """What happened, in order, with the virtual time."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []

    def tell(self, what: str) -> None:
        self.lines.append((true_time(), what))

    def of(self, name: str) -> Callable[[Event], None]:
        """Return a subscriber that tells the events of a candidate."""
        return lambda event: self.tell(f"{name} {type(event).__name__}")

    def when(self, what: str) -> float:
        """Return when something happened for the first time; inf: never."""
        return next((time for time, line in self.lines if line == what), math.inf)

    def between(self, what: str, first: str, last: str) -> int:
        """Return how often something happened after one thing and before another."""
        lines = [line for _, line in self.lines]
        return lines[lines.index(first) : lines.index(last)].count(what)


async def drained_for(seconds: float, stop: Stop, **options: Any) -> Story:
    """Stop candidate a at 30 s while b waits; its body goes on for `seconds`, whatever it is told."""
    story, memory = Story(), MemoryLock()
    lock = FaultyLock(memory, weather=CALM)
    a, b = (LeaderElector(lock.seen_by(name), identity=name, **options) for name in "ab")
    a.subscribe(story.of("a"))
    b.subscribe(story.of("b"))

    async def work(term: Term) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            end = true_time() + seconds
            while (left_s := end - true_time()) > 0:
                try:
                    await asyncio.sleep(left_s)
                except asyncio.CancelledError:
                    story.tell("cancelled again")
            story.tell(f"body ended, {'valid' if term.is_valid() else 'over'}, held by {holder_of(memory)}")

    async def wait_for_a() -> None:
        await asyncio.sleep(10)
        async with b.running(forever):
            await asyncio.sleep(30 + seconds)

    async with asyncio.TaskGroup() as group:
        group.create_task(wait_for_a())
        await stop(a, work, 30)
        story.tell("stopped")
    return story


@pytest.mark.parametrize("stop", [leave_running, cancel_run, resign, transfer])
@pytest.mark.parametrize("seconds", [0.5, 19.5, 90])
def test_the_term_is_renewed_until_the_body_has_ended_and_released_then(stop: Stop, seconds: float) -> None:
    story = run_simulated(drained_for(seconds, stop, drain_timeout=100))
    ended = "body ended, valid, held by a"
    assert story.when("a TermEnding") == pytest.approx(30, abs=0.1)
    assert story.between("a Renewed", "a TermEnding", ended) == pytest.approx(seconds / 5, abs=1)
    assert (
        story.when("a TermEnding") < story.when(ended) <= story.when("a Released") < story.when("b Elected")
    )
    assert story.when("b Elected") - story.when(ended) < 1
    assert story.when("a Released") <= story.when("stopped")
    assert math.isinf(story.when("cancelled again"))
    assert math.isinf(story.when("a Lost"))


@pytest.mark.parametrize("stop", [leave_running, cancel_run, resign, transfer])
def test_a_body_that_outlasts_drain_timeout_is_renewed_no_more_and_nothing_is_released(stop: Stop) -> None:
    story = run_simulated(drained_for(60, stop, drain_timeout=20))
    timing = Timing()
    last = max(time for time, line in story.lines if line == "a Renewed")
    assert 45 < last <= 50  # renewed for 20 s, and no longer
    order = ["a Lost", "cancelled again", "a Overrun", "b Elected", "body ended, over, held by b", "stopped"]
    assert sorted(order, key=story.when) == order
    assert story.when("a Lost") == pytest.approx(last + timing.renew_deadline, abs=0.1)
    assert story.when("a Overrun") == pytest.approx(last + timing.overrun_limit, abs=0.1)
    assert story.when("b Elected") > last + timing.lease_duration
    assert math.isinf(story.when("a Released"))
    assert [line for _, line in story.lines].count("cancelled again") == 1
    assert [line for _, line in story.lines].count("a CampaignStarted") == 1


def test_an_error_while_draining_is_logged_and_the_term_is_released(caplog: pytest.LogCaptureFixture) -> None:
    memory = MemoryLock()

    async def fail(term: Term) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError("in the cleanup")

    run_simulated(cancel_run(LeaderElector(memory), fail, 30))
    assert "LookupError: in the cleanup" in caplog.text
    assert holder_of(memory) == ""


# ---- overrun, wherever the body is


@pytest.mark.parametrize("in_block", [True, False], ids=["term", "run"])
def test_overrun_calls_back_in_the_event_loop_while_the_body_runs(in_block: bool) -> None:
    async def scene() -> list[object]:
        lock = FaultyLock(MemoryLock(), weather=CALM)
        called: list[object] = []
        turns: list[Term] = []
        elector = LeaderElector(
            lock.seen_by("a"),
            on_overrun=lambda: called.append(
                (asyncio.get_running_loop(), turns[-1].is_valid(), elector.is_leader())
            ),
        )

        async def work(term: Term) -> str:
            turns.append(term)
            if len(turns) > 1:
                return "done"
            lock.cut("a")
            while not called:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(1)
            lock.heal("a")
            return "stale"

        if in_block:
            with pytest.raises(LeadershipLostError, match="could not be renewed"):
                async with elector.term() as term:
                    assert await work(term) == "stale"
        else:
            assert await elector.run(work) == "done"
        assert called == [(asyncio.get_running_loop(), False, False)]
        return called

    assert len(run_simulated(scene())) == 1


def test_an_overrun_that_fails_in_a_term_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        lock = FaultyLock(MemoryLock(), weather=CALM)
        elector = LeaderElector(lock.seen_by("a"), on_overrun=lambda: 1 / 0)
        with pytest.raises(LeadershipLostError):
            async with elector.term():
                lock.cut("a")
                for _ in range(60):
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.sleep(1)

    run_simulated(scene())
    assert "the body still runs at the hard limit" in caplog.text
    assert "on_overrun failed" in caplog.text


def test_a_body_that_ends_in_time_has_not_overrun() -> None:
    async def scene() -> None:
        lock = FaultyLock(MemoryLock(), weather=CALM)
        seen, called = Recorder(), []
        elector = LeaderElector(lock.seen_by("a"), on_overrun=lambda: called.append("overrun"))
        elector.subscribe(seen)
        with pytest.raises(LeadershipLostError):
            async with elector.term() as term:
                lock.cut("a")
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
                await asyncio.sleep(4)  # D is 10 s, the hard limit 14.85 s
                assert not term.is_valid()
        await asyncio.sleep(60)
        assert seen.seen(Lost) == 1
        assert not called
        assert not seen.seen(Overrun)

    run_simulated(scene())


# ---- threads


def in_threads(
    lock: MemoryLock | tools.FaultyLock, **options: Any
) -> tuple[blocking.LeaderElector, Recorder]:
    elector = blocking.LeaderElector(lock, **{"identity": "a", **options})
    recorder = Recorder()
    elector.subscribe(recorder)
    return elector, recorder


def stay(term: blocking.Term) -> None:
    term.wait_ending()


def test_in_threads_too_the_term_is_renewed_until_the_body_has_ended() -> None:
    lock = MemoryLock()
    timing = Timing(lease_duration=2)
    a, seen = in_threads(lock, timing=timing)
    b, seen_by_b = in_threads(lock, identity="b", timing=timing)
    drained: list[bool] = []
    begun = threading.Event()

    def work(term: blocking.Term) -> None:
        begun.set()
        assert term.wait_ending()
        before = seen.seen(Renewed)
        wait_until(lambda: seen.seen(Renewed) == before + 4)  # more than a lease long
        term.check()
        assert (seen.seen(TermEnding), seen.seen(Released), seen_by_b.seen(Elected)) == (1, 0, 0)
        drained.append(holder_of(lock) == "a")

    with contextlib.ExitStack() as of_b:
        with a.running(work):
            begun.wait()
            of_b.enter_context(b.running(stay))
            wait_until(lambda: b.leader == "a")
        assert drained == [True]
        assert (seen.seen(Lost), seen.seen(Released)) == (0, 1)
        wait_until(b.is_leader)


def test_an_error_of_a_thread_while_draining_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    lock = MemoryLock()
    elector, _ = in_threads(lock, timing=ROOMY)

    begun = threading.Event()

    def fail(term: blocking.Term) -> None:
        begun.set()
        term.wait_ending()
        raise LookupError("in the cleanup")

    with elector.running(fail):
        begun.wait()
    assert "LookupError: in the cleanup" in caplog.text
    assert holder_of(lock) == ""


def test_a_thread_that_outlasts_drain_timeout_releases_nothing(caplog: pytest.LogCaptureFixture) -> None:
    lock = MemoryLock()
    elector, seen = in_threads(lock, timing=QUICK, drain_timeout=0.1)

    begun = threading.Event()
    terms: list[blocking.Term] = []

    def work(term: blocking.Term) -> None:
        begun.set()
        assert term.wait_ending()
        wait_until(lambda: seen.seen(Overrun))
        terms.append(term)

    with elector.running(work):
        begun.wait()
    with pytest.raises(LeadershipLostError, match="did not end within drain_timeout"):
        terms[0].check()
    assert [event.reason for event in seen.events if isinstance(event, Lost)] == [LossReason.DRAIN_TIMEOUT]
    assert not seen.seen(Released)
    assert holder_of(lock) == "a"
    assert caplog.text.count("the body still runs at the hard limit") == 1


@pytest.mark.parametrize("way", ["run", "term", "running"])
def test_a_thread_that_overruns_is_told_of_in_tenures_thread(way: str) -> None:
    lock = tools.FaultyLock(MemoryLock())
    called: list[str] = []
    elector, seen = in_threads(
        lock, timing=QUICK, on_overrun=lambda: called.append(threading.current_thread().name)
    )
    turns: list[blocking.Term] = []

    def work(term: blocking.Term) -> str:
        turns.append(term)
        if len(turns) == 1:
            lock.down.set()
            wait_until(lambda: called)  # and does not look at its term
            assert not term.is_valid()
            assert seen.seen(CampaignStarted) == 1
            lock.down.clear()
        return "done" if term.is_valid() else "stale"

    if way == "run":
        assert elector.run(work) == "done"
    elif way == "term":
        with pytest.raises(LeadershipLostError), elector.term() as term:
            assert work(term) == "stale"
    else:
        with elector.running(work):
            wait_until(lambda: len(turns) > 1)
    assert called == ["tenure"]
    assert seen.seen(Overrun) == 1


def test_a_check_in_a_thread_that_wants_more_than_is_left_campaigns_again() -> None:
    lock = MemoryLock()
    elector, seen = in_threads(lock, timing=QUICK)
    turns: list[blocking.Term] = []

    def work(term: blocking.Term) -> str:
        turns.append(term)
        if len(turns) < 3:
            term.check(remaining_s=60)
        return "done"

    assert elector.run(work) == "done"
    assert len(turns) == 3
    assert seen.seen(Released) == 3
    assert not seen.seen(Lost)
