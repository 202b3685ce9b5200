"""``running``: campaigns in the background; draining and overrun."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from tenure import LeaderElector, MemoryLock, PermissionDeniedError, Term
from tenure.events import Elected, LossReason, Lost, Overrun, Released
from tenure.record import Record
from tests.drivers.tools import QUICK, ROOMY, FaultyLock, Recorder, holder_of, play, until


def make(lock: MemoryLock | FaultyLock, **options: Any) -> tuple[LeaderElector, Recorder]:
    elector = LeaderElector(lock, **{"identity": "a", "timing": ROOMY, **options})
    recorder = Recorder()
    elector.subscribe(recorder)
    return elector, recorder


async def forever(term: Term) -> None:
    await asyncio.Event().wait()


def test_it_leads_in_the_background_and_drains_on_exit() -> None:
    lock = MemoryLock()
    elector, _ = make(lock)
    drained: list[bool] = []
    begun = asyncio.Event()

    async def work(term: Term) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.02)
            drained.append(term.is_valid() and term.is_ending())

    async def scene() -> None:
        async with elector.running(work) as same:
            assert same is elector
            await begun.wait()
            assert elector.is_leader()
        assert drained == [True]
        assert not elector.is_leader()

    play(scene())
    assert holder_of(lock) == ""


def test_error_of_the_work_is_logged_and_campaigned_again(caplog: pytest.LogCaptureFixture) -> None:
    lock = MemoryLock()
    elector, seen = make(lock)

    async def work(term: Term) -> None:
        if seen.seen(Elected) == 1:
            raise PermissionDeniedError("of the work's own database")
        await asyncio.Event().wait()

    async def scene() -> None:
        async with elector.running(work):
            await until(lambda: seen.seen(Released) == 1)
            assert holder_of(lock) == ""
            await until(lambda: seen.seen(Elected) == 2)

    play(scene())
    assert "of the work's own database" in caplog.text


def test_permission_that_is_missing_is_raised_on_entry() -> None:
    lock = FaultyLock(MemoryLock())
    elector, _ = make(lock)

    async def refuse(operation: str) -> None:
        raise PermissionDeniedError("get leases is missing")

    lock.before = refuse

    async def scene() -> None:
        with pytest.raises(PermissionDeniedError, match="get leases"):
            async with elector.running(forever):
                raise AssertionError("it must not be entered")

    play(scene())
    assert lock.sessions == 0


def test_a_store_that_is_down_does_not_keep_the_server_from_starting() -> None:
    lock = FaultyLock(MemoryLock())
    lock.down.set()
    elector, _ = make(lock)

    async def scene() -> None:
        async with elector.running(forever):
            assert not elector.is_leader()
            assert elector.leader is None
            lock.down.clear()
            await until(elector.is_leader)

    play(scene())


def test_error_of_the_block_propagates_after_the_drain() -> None:
    lock = MemoryLock()
    elector, _ = make(lock)

    async def scene() -> None:
        with pytest.raises(LookupError):
            async with elector.running(forever):
                await until(elector.is_leader)
                raise LookupError

    play(scene())
    assert holder_of(lock) == ""


def test_cancelled_while_it_drains_it_still_waits_for_the_body() -> None:
    lock = MemoryLock()
    elector, _ = make(lock)
    begun, finish, draining = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(term: Term) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            draining.set()
            await finish.wait()
            assert holder_of(lock) == "a"

    async def serve() -> None:
        async with elector.running(work):
            await begun.wait()

    async def scene() -> None:
        serving = asyncio.create_task(serve())
        await draining.wait()
        serving.cancel()
        await asyncio.sleep(0.05)
        assert not serving.done()
        assert elector.is_leader()
        finish.set()
        with pytest.raises(asyncio.CancelledError):
            await serving

    play(scene())
    assert holder_of(lock) == ""


def test_fault_of_tenure_is_raised_on_exit() -> None:
    lock = FaultyLock(MemoryLock())
    elector, seen = make(lock)

    async def break_it(operation: str) -> None:
        raise ZeroDivisionError("a bug")

    async def scene() -> None:
        with pytest.raises(ZeroDivisionError):
            async with elector.running(forever):
                await until(elector.is_leader)
                lock.before = break_it
                await until(lambda: seen.seen(Lost))
                assert not elector.is_leader()

    play(scene())


def drain_too_long(elector: LeaderElector, seen: Recorder, lock: MemoryLock) -> None:
    """Stop a body that goes on until its overrun was told; nothing is released before or after."""
    begun = asyncio.Event()

    async def work(term: Term) -> None:
        begun.set()
        while not seen.seen(Overrun):
            with contextlib.suppress(asyncio.CancelledError):
                await until(lambda: seen.seen(Overrun))
        assert not term.is_valid()
        assert holder_of(lock) == "a"

    async def scene() -> None:
        async with elector.running(work):
            await begun.wait()
        assert [event.reason for event in seen.events if isinstance(event, Lost)] == [
            LossReason.DRAIN_TIMEOUT
        ]

    play(scene())
    assert holder_of(lock) == "a"
    assert not seen.seen(Released)


def test_overrun_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    lock = MemoryLock()
    elector, seen = make(lock, timing=QUICK, drain_timeout=0.1)
    drain_too_long(elector, seen, lock)
    assert caplog.text.count("hard limit") == 1


def test_overrun_calls_back() -> None:
    lock = MemoryLock()
    called: list[str] = []
    elector, seen = make(lock, timing=QUICK, drain_timeout=0.1, on_overrun=lambda: called.append("yes"))
    drain_too_long(elector, seen, lock)
    assert called == ["yes"]


def test_overrun_that_fails_is_logged_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    lock = MemoryLock()

    def fail() -> None:
        raise LookupError("mine")

    elector, seen = make(lock, timing=QUICK, drain_timeout=0.1, on_overrun=fail)
    drain_too_long(elector, seen, lock)
    assert "on_overrun failed" in caplog.text


def test_overrun_comes_after_a_fault_of_tenure_too() -> None:
    lock = FaultyLock(MemoryLock())
    elector, seen = make(lock, timing=QUICK)

    async def break_it(operation: str) -> None:
        raise ZeroDivisionError("a bug")

    async def work(term: Term) -> None:
        lock.before = break_it
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await until(lambda: seen.seen(Overrun))

    with pytest.raises(ZeroDivisionError):
        play(elector.run(work))
    assert seen.seen(Overrun) == 1


def test_a_flood_of_changes_leaves_the_newest() -> None:
    lock = MemoryLock()
    elector, _ = make(lock)

    async def scene() -> None:
        lock.edit(Record(holder="x", lease_duration=60))
        async with elector.running(forever):
            told: list[str | None] = []

            async def follow() -> None:
                async for change in elector.changes():
                    told.append(change.leader)
                    await asyncio.sleep(0.05)

            following = asyncio.create_task(follow())
            await until(lambda: "x" in told)
            for i in range(200):
                lock.edit(Record(holder=f"x{i}", lease_duration=60))
            await until(lambda: told[-1] == "x199")
            assert len(told) < 20
            assert elector.leader == "x199"
            following.cancel()

    play(scene())
