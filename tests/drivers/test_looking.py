"""Observers, ``changes``, ``subscribe``, the log, and the clock beneath them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time

import pytest

from tenure import (
    LeaderElector,
    LeaderObserver,
    LockUnavailableError,
    MemoryLock,
    PermissionDeniedError,
    Term,
)
from tenure import clock as clock_module
from tenure.clock import BootTimer, boot_time
from tenure.events import Available, Event, LeaderChanged, Lost, Renewed, Unavailable
from tenure.record import Record
from tests.drivers.tools import QUICK, ROOMY, FaultyLock, Recorder, holder_of, play, until


def test_observer_follows_leader_outage_and_return() -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    elector = LeaderElector(memory, identity="a", timing=QUICK)
    told: list[str | None] = []

    async def scene() -> None:
        async with LeaderObserver(lock, timing=QUICK) as seen:
            assert seen.leader == ""
            async with elector.term() as term:
                await until(lambda: seen.leader == "a")
                await until(lambda: seen.latest.token == term.token)
                seen.subscribe(lambda e: told.append(e.leader) if isinstance(e, LeaderChanged) else None)
                lock.down.set()
                assert seen.leader == "a"
                await until(lambda: seen.leader is None)
                assert "run out" in seen.latest.reason
                lock.down.clear()
                await until(lambda: seen.leader == "a")
            await until(lambda: seen.leader == "")
        assert seen.leader is None

    play(scene())
    assert told == [None, "a", "", None]
    assert lock.sessions == 0


def test_observer_can_enter_during_an_outage() -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    lock.down.set()

    async def scene() -> None:
        async with LeaderObserver(lock, timing=QUICK) as seen:
            assert seen.leader is None
            lock.down.clear()
            await until(lambda: seen.leader == "")

    play(scene())


def test_observer_without_permission_and_in_use() -> None:
    lock = FaultyLock(MemoryLock())

    async def refuse(operation: str) -> None:
        raise PermissionDeniedError("get leases is missing")

    async def scene() -> None:
        observer = LeaderObserver(lock)
        async with observer:
            with pytest.raises(RuntimeError, match="in use"):
                await observer.__aenter__()
        lock.before = refuse
        with pytest.raises(PermissionDeniedError):
            await observer.__aenter__()
        assert lock.sessions == 0

    play(scene())


@pytest.mark.parametrize("who", ["observer", "follower"])
def test_half_open_watch_is_noticed(who: str) -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    silent = True

    async def stall(operation: str) -> None:
        if operation == "watch" and silent:
            await asyncio.Event().wait()

    lock.before = stall

    async def forever(term: Term) -> None:
        await asyncio.Event().wait()

    async def scene() -> None:
        nonlocal silent
        memory.edit(Record(holder="old", lease_duration=1))
        seen = LeaderObserver(lock, timing=QUICK)
        elector = LeaderElector(lock, identity="a", timing=QUICK)
        async with seen if who == "observer" else elector.running(forever) as looking:
            await until(lambda: looking.leader == "old")
            memory.edit(Record(holder="new", lease_duration=60))
            await until(lambda: looking.leader == "new")  # the read at the end of old's lease
            silent = False
            await until(lambda: lock.calls.count("watch") > 1)
            memory.edit(Record(holder="newest", lease_duration=60))
            await until(lambda: looking.leader == "newest")

    play(scene())


def test_where_watching_is_forbidden_it_polls_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)

    async def refuse(operation: str) -> None:
        if operation == "watch":
            raise PermissionDeniedError("watch leases is missing")

    lock.before = refuse

    async def scene() -> None:
        async with LeaderObserver(lock, timing=QUICK) as seen:
            for holder in ("a", "b", "c"):
                memory.edit(Record(holder=holder, lease_duration=60))
                await until(lambda holder=holder: seen.leader == holder)
            polls = lock.calls.count("read")
            await until(lambda: lock.calls.count("read") > polls + 10)

    play(scene())
    assert caplog.text.count("watch leases is missing") == 1
    assert lock.calls.count("watch") == 1


def test_changes_begin_with_the_present_and_end_with_unknown() -> None:
    lock = MemoryLock()
    elector = LeaderElector(lock, identity="a", timing=ROOMY)
    told: list[LeaderChanged] = []

    async def follow() -> None:
        async for change in elector.changes():
            told.append(change)  # noqa: PERF401  (it never ends)

    async def scene() -> None:
        async with elector.term() as term:
            following = asyncio.create_task(follow())
            await until(lambda: told)
            assert told == [elector.latest]
            assert told[0].is_self
            assert told[0].token == term.token
        await until(lambda: told[-1].leader is None)
        following.cancel()

    play(scene())
    assert not any(a == b for a, b in itertools.pairwise(told))


def test_a_subscriber_that_fails_hurts_nobody_and_can_leave(caplog: pytest.LogCaptureFixture) -> None:
    elector = LeaderElector(MemoryLock(), identity="a", timing=ROOMY)
    before, after = Recorder(), Recorder()

    def fail(event: Event) -> None:
        raise LookupError("mine")

    leave_twice = [elector.subscribe(before), elector.subscribe(before)]
    elector.subscribe(fail)
    elector.subscribe(after)

    async def work(term: Term) -> int:
        return 1

    assert play(elector.run(work)) == 1
    assert len(before.events) == 2 * len(after.events) > 0
    assert "a subscriber failed" in caplog.text
    first, second = leave_twice
    first()
    first()
    count = len(before.events)
    assert play(elector.run(work)) == 1
    assert len(before.events) == count + len(after.events) - count // 2
    second()


def test_log_says_each_change_of_state_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tenure")
    memory = MemoryLock()
    lock = FaultyLock(memory)
    elector = LeaderElector(lock, identity="a", timing=QUICK)
    recorder = Recorder()
    elector.subscribe(recorder)

    async def work(term: Term) -> str:
        if recorder.seen(Lost):
            return "again"
        await until(lambda: recorder.seen(Renewed) > 3)
        lock.down.set()
        refused = len(lock.calls)
        try:
            await asyncio.Event().wait()
        finally:
            await until(lambda: len(lock.calls) > refused + 3)
            asyncio.get_running_loop().call_later(0.5, lock.down.clear)
        return ""

    assert play(elector.run(work)) == "again"
    lines = [record.message.removeprefix("memory memory: ") for record in caplog.records]
    for once in ("the store is down", "term lost: renew_deadline", "the store answers again", "released"):
        assert lines.count(once) == 1
    assert lines.count("campaigning as a") == 2
    assert sum(line.startswith("leading as a, token") for line in lines) == 2
    assert len(lines) == len([a for a, b in zip(lines, [*lines[1:], ""], strict=True) if a != b])
    assert len(lines) <= 10
    assert recorder.seen(Unavailable) == recorder.seen(Available) == 1


def test_another_cause_of_an_outage_is_told() -> None:
    lock = FaultyLock(MemoryLock())
    elector = LeaderElector(lock, identity="a", timing=QUICK)
    recorder = Recorder()
    elector.subscribe(recorder)
    unauthorized = False

    async def fail(operation: str) -> None:
        raise LockUnavailableError("refused", refused=True, unauthorized=unauthorized)

    lock.before = fail

    async def forever(term: Term) -> None: ...

    async def scene() -> None:
        nonlocal unauthorized
        async with elector.running(forever):
            await until(lambda: len(lock.calls) > 3)
            assert recorder.seen(Unavailable) == 1
            unauthorized = True
            await until(lambda: recorder.seen(Unavailable) == 2)

    play(scene())


def test_blocked_event_loop_is_found_out_at_the_moment_of_use(caplog: pytest.LogCaptureFixture) -> None:
    lock = MemoryLock()
    elector = LeaderElector(lock, identity="a", timing=QUICK)
    turns: list[bool] = []

    async def work(term: Term) -> str:
        if turns:
            return "again"
        time.sleep(1.5 * QUICK.lease_duration)  # noqa: ASYNC251  (what must not be done)
        turns.append(term.is_valid() or elector.is_leader() or elector.leader is not None)
        assert term.is_ending()
        await asyncio.Event().wait()
        return "never"

    assert play(elector.run(work)) == "again"
    assert turns == [False]
    assert "term lost: renew_deadline" in caplog.text


def test_late_renewal_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    elector = LeaderElector(MemoryLock(), identity="a", timing=ROOMY)
    recorder = Recorder()
    elector.subscribe(recorder)

    async def work(term: Term) -> None:
        for renewals in (1, 2):
            time.sleep(2.8)  # noqa: ASYNC251  (what must not be done)
            await until(lambda n=renewals: recorder.seen(Renewed) >= n)
        assert term.is_valid()

    play(elector.run(work))
    assert caplog.text.count("s late: ") == 1


def test_wall_clock_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    walls = [datetime(2001, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)]
    lock = MemoryLock(wall=lambda: walls[int(boot_time() * 10) % 2])
    monkeypatch.setattr(time, "time", lambda: 0.0)
    a, b = (LeaderElector(lock, identity=name, timing=QUICK) for name in "ab")
    seen = Recorder()
    a.subscribe(seen)

    async def forever(term: Term) -> None:
        await asyncio.Event().wait()

    async def scene() -> None:
        async with a.term() as term, b.running(forever):
            await until(lambda: seen.seen(Renewed) > 8)
            assert term.is_valid()
            assert not b.is_leader()
            assert holder_of(lock) == "a"

    play(scene())


@pytest.mark.parametrize("timerfd", [True, False])
def test_timer_fires_by_boot_time(monkeypatch: pytest.MonkeyPatch, timerfd: bool) -> None:
    if not timerfd:

        def refuse() -> int:
            raise OSError("no timerfd here")

        monkeypatch.setattr(clock_module, "open_timerfd", refuse)

    async def scene() -> None:
        fired: list[float] = []
        timer = BootTimer(lambda: fired.append(boot_time()), check_period=0.02)
        due = boot_time() + 0.1
        timer.set(due + 60)
        timer.set(due)
        await until(lambda: fired)
        assert fired[0] >= due
        timer.set(-1e9)
        await until(lambda: len(fired) == 2)
        timer.set(boot_time() + 0.05)
        timer.set(None)
        await asyncio.sleep(0.1)
        timer.set(boot_time() + 0.05)
        timer.close()
        timer.close()
        await asyncio.sleep(0.1)
        assert len(fired) == 2

    play(scene())


def test_an_election_without_timerfd(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise OSError("no timerfd here")

    monkeypatch.setattr(clock_module, "open_timerfd", refuse)
    elector = LeaderElector(MemoryLock(), identity="a", timing=QUICK)
    seen = Recorder()
    elector.subscribe(seen)

    async def work(term: Term) -> bool:
        await until(lambda: seen.seen(Renewed) > 3)
        return term.is_valid()

    assert play(elector.run(work))
