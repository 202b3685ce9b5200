"""`LeaderElector.run` when it is cancelled: it drains, releases, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from tenure import MemoryLock, Term
from tenure.events import Elected
from tests.drivers.tools import QUICK, FaultyLock, forever, holder_of, make, play, until


def test_cancelled_run_drains_while_the_term_is_valid_and_releases() -> None:
    elector, lock, _ = make()
    drained: list[bool] = []
    begun = asyncio.Event()

    async def work(term: Term) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            assert term.is_ending()
            await asyncio.sleep(0.05)
            drained.append(term.is_valid() and holder_of(lock) == "a" and elector.is_leader())

    async def scene() -> None:
        running = asyncio.create_task(elector.run(work))
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    play(scene())
    assert drained == [True]
    assert holder_of(lock) == ""


def test_cancelled_twice_it_still_waits_for_the_body_and_releases() -> None:
    elector, lock, _ = make()
    begun, finish = asyncio.Event(), asyncio.Event()

    async def work(term: Term) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await finish.wait()

    async def scene() -> None:
        running = asyncio.create_task(elector.run(work))
        await begun.wait()
        for _ in range(3):
            running.cancel()
            await asyncio.sleep(0.02)
        assert holder_of(lock) == "a"
        assert not running.done()
        finish.set()
        with pytest.raises(asyncio.CancelledError):
            await running

    play(scene())
    assert holder_of(lock) == ""


def test_cancelled_while_campaigning() -> None:
    lock = MemoryLock()
    holder, _, _ = make(lock)
    elector, _, seen = make(lock, identity="b")

    async def scene() -> None:
        async with holder.term():
            running = asyncio.create_task(elector.run(forever))
            await until(lambda: elector.leader == "a")
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert holder_of(lock) == "a"
        assert not seen.seen(Elected)

    play(scene())


@pytest.mark.parametrize("moment", ["before", "after"])
def test_cancelled_while_an_acquire_is_under_way(moment: str) -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    elector, _, seen = make(lock)
    go_on, under_way = asyncio.Event(), asyncio.Event()

    async def hold(operation: str) -> None:
        if operation == "create":
            under_way.set()
            await go_on.wait()

    setattr(lock, moment, hold)

    async def scene() -> None:
        running = asyncio.create_task(elector.run(forever))
        await under_way.wait()
        running.cancel()
        await asyncio.sleep(0.02)
        running.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running

    play(scene())
    assert holder_of(memory) == ""
    assert not seen.seen(Elected)
    assert lock.sessions == 0


def test_cancelled_while_the_store_is_down() -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    lock.down.set()
    elector, _, _ = make(lock, timing=QUICK)

    async def scene() -> None:
        running = asyncio.create_task(elector.run(forever))
        await until(lambda: len(lock.calls) > 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    play(scene())
    assert lock.sessions == 0


def test_a_timeout_around_run_becomes_a_timeout_after_the_release() -> None:
    elector, lock, _ = make()

    async def scene() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await elector.run(forever)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    play(scene())
    assert holder_of(lock) == ""
