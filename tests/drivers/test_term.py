"""``async with LeaderElector(...).term()``: one term, whose body is the block."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tenure import LeaderElector, LeadershipLostError, MemoryLock, PermissionDeniedError, Term
from tests.drivers.tools import QUICK, ROOMY, FaultyLock, holder_of, play, until


def not_cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() == 0


def elector_of(lock: MemoryLock | FaultyLock) -> LeaderElector:
    return LeaderElector(lock, identity="a", timing=ROOMY)


def test_release_on_exit() -> None:
    lock = MemoryLock()
    elector = elector_of(lock)

    async def scene() -> Term:
        async with elector.term() as term:
            assert term.is_valid()
            assert term.remaining_s() > 0
            term.check(remaining_s=0.1)
            assert not term.is_ending()
            assert not await term.wait_ending(timeout=0)
            assert elector.is_leader()
            assert str(term.token) in repr(term)
        return term

    term = play(scene())
    assert holder_of(lock) == ""
    assert not term.is_valid()
    assert term.remaining_s() == 0
    with pytest.raises(LeadershipLostError, match="given up"):
        term.check()


def test_error_of_the_block_propagates_after_the_release() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        async with elector_of(lock).term():
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        play(scene())
    assert holder_of(lock) == ""


def test_loss_cancels_the_block_and_is_raised() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        with pytest.raises(LeadershipLostError, match="deleted"):
            async with elector_of(lock).term():
                lock.delete()
                await asyncio.Event().wait()
        assert not_cancelling()

    play(scene())


def test_loss_is_raised_although_the_block_swallowed_it() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        with pytest.raises(LeadershipLostError, match="deleted"):
            async with elector_of(lock).term() as term:
                lock.delete()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
                assert term.is_ending()
        assert not_cancelling()

    play(scene())


def test_loss_is_raised_although_the_block_swallowed_it_and_a_cancellation_too() -> None:
    lock = MemoryLock()

    async def block() -> None:
        async with elector_of(lock).term():
            lock.delete()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    async def scene() -> None:
        task = asyncio.create_task(block())
        await until(lambda: task.cancelling())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(LeadershipLostError):
            await task
        assert task.cancelling() == 1

    play(scene())


def test_error_of_the_block_after_the_loss_propagates() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        with pytest.raises(LookupError):
            async with elector_of(lock).term():
                lock.delete()
                try:
                    await asyncio.Event().wait()
                finally:
                    raise LookupError("in the cleanup")
        assert not_cancelling()

    play(scene())


def test_cancellation_from_outside_stays_one() -> None:
    lock = MemoryLock()

    async def block() -> None:
        async with elector_of(lock).term():
            await asyncio.Event().wait()

    async def scene() -> None:
        task = asyncio.create_task(block())
        await until(lambda: holder_of(lock) == "a")
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    play(scene())
    assert holder_of(lock) == ""


def test_cancellation_from_outside_during_a_loss_stays_one() -> None:
    lock = MemoryLock()

    async def block() -> None:
        async with elector_of(lock).term():
            try:
                await asyncio.Event().wait()
            finally:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()

    async def scene() -> None:
        task = asyncio.create_task(block())
        await until(lambda: holder_of(lock) == "a")
        await asyncio.sleep(0.02)
        lock.delete()
        await until(lambda: task.cancelling() == 1)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1

    play(scene())


@pytest.mark.parametrize("inside", [True, False])
def test_a_timeout_inside_or_around_is_a_timeout(inside: bool) -> None:
    lock = MemoryLock()

    async def scene() -> None:
        with pytest.raises(TimeoutError):
            async with contextlib.AsyncExitStack() as stack:
                if not inside:
                    await stack.enter_async_context(asyncio.timeout(0.2))
                await stack.enter_async_context(elector_of(lock).term())
                if inside:
                    await stack.enter_async_context(asyncio.timeout(0.05))
                await asyncio.Event().wait()
        assert not_cancelling()

    play(scene())
    assert holder_of(lock) == ""


@pytest.mark.parametrize("timeout_inside", [True, False])
def test_a_loss_within_a_timeout_is_a_loss(timeout_inside: bool) -> None:
    lock = MemoryLock()

    async def scene() -> None:
        with pytest.raises(LeadershipLostError):
            async with contextlib.AsyncExitStack() as stack:
                if not timeout_inside:
                    await stack.enter_async_context(asyncio.timeout(20))
                await stack.enter_async_context(elector_of(lock).term())
                if timeout_inside:
                    await stack.enter_async_context(asyncio.timeout(20))
                lock.delete()
                await asyncio.Event().wait()
        assert not_cancelling()

    play(scene())


def test_a_task_group_inside_ends_with_the_term() -> None:
    lock = MemoryLock()
    ended: list[str] = []

    async def child() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("child")

    async def scene() -> None:
        with pytest.raises(LeadershipLostError):
            async with elector_of(lock).term(), asyncio.TaskGroup() as group:
                group.create_task(child())
                await asyncio.sleep(0)
                lock.delete()
        assert ended == ["child"]
        assert not_cancelling()

    play(scene())


def test_a_check_that_fails_within_a_task_group_is_a_loss() -> None:
    lock = MemoryLock()

    async def child(term: Term) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        term.check()

    async def scene() -> None:
        with pytest.raises(LeadershipLostError):
            async with elector_of(lock).term() as term, asyncio.TaskGroup() as group:
                group.create_task(child(term))
                await asyncio.sleep(0)
                lock.delete()
        assert not_cancelling()

    play(scene())


def test_a_task_group_around_gets_the_loss_and_cancels_its_others() -> None:
    lock = MemoryLock()
    ended: list[str] = []

    async def other() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("other")

    async def scene() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                group.create_task(other())
                async with elector_of(lock).term():
                    lock.delete()
                    await asyncio.Event().wait()
        assert caught.group_contains(LeadershipLostError)
        assert ended == ["other"]
        assert not_cancelling()

    play(scene())


def test_cancelled_while_it_campaigns() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        async with elector_of(lock).term():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), LeaderElector(lock, identity="b", timing=ROOMY).term():
                    raise AssertionError("there is a leader")
            assert holder_of(lock) == "a"
        assert not_cancelling()

    play(scene())


def test_two_terms_within_each_other() -> None:
    inner, outer = MemoryLock("inner"), MemoryLock("outer")

    async def scene() -> None:
        with pytest.raises(LeadershipLostError, match="deleted"):
            async with elector_of(outer).term(), elector_of(inner).term():
                outer.delete()
                await asyncio.Event().wait()
        assert not_cancelling()
        assert holder_of(inner) == ""

    play(scene())


def test_permission_that_is_missing_is_raised_on_entry() -> None:
    lock = FaultyLock(MemoryLock())

    async def refuse(operation: str) -> None:
        raise PermissionDeniedError("get leases is missing")

    lock.before = refuse

    async def scene() -> None:
        with pytest.raises(PermissionDeniedError):
            async with elector_of(lock).term():
                pass

    play(scene())
    assert lock.sessions == 0


def test_slow_renewals_lose_the_term_at_the_deadline() -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    elector = LeaderElector(lock, identity="a", timing=QUICK)

    async def scene() -> None:
        with pytest.raises(LeadershipLostError, match="could not be renewed"):
            async with elector.term():
                lock.down.set()
                await asyncio.Event().wait()

    play(scene())
    assert holder_of(memory) == "a"  # nothing is freed that was lost
