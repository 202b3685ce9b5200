"""What only `MemoryLock` has; what it shares with the other locks stands in test_conformance."""

from __future__ import annotations

import asyncio
import threading

from tenure.locks.memory import MemoryLock
from tenure.record import Record, Versioned


def test_a_change_in_one_thread_wakes_the_watch_in_the_loop_of_another() -> None:
    lock = MemoryLock()
    created = lock.edit(Record(holder="a"))

    async def follow() -> Versioned:
        async with lock.open() as session:
            watch = session.watch(created)
            next_change = asyncio.ensure_future(anext(watch))
            await asyncio.sleep(0)  # let it reach its wait
            thread = threading.Thread(target=lock.edit, args=(Record(holder="b"),))
            thread.start()
            change = await asyncio.wait_for(next_change, 30)
            thread.join()
            await watch.aclose()
            return change

    assert asyncio.run(follow()).record == Record(holder="b")


def test_two_objects_are_two_elections() -> None:
    one, other = MemoryLock("same"), MemoryLock("same")
    one.edit(Record(holder="a"))

    async def read() -> Versioned:
        async with other.open() as session:
            return await session.read(timeout=1)

    assert asyncio.run(read()).record is None


def test_a_watch_that_falls_too_far_behind_ends() -> None:
    lock = MemoryLock()
    first = lock.edit(Record(holder="0"))
    for n in range(1100):
        lock.edit(Record(holder=str(n)))

    async def follow() -> list[Versioned]:
        async with lock.open() as session:
            return [change async for change in session.watch(first)]

    assert asyncio.run(follow()) == []


def test_a_change_after_its_loop_was_closed_wakes_nobody_and_fails_nobody() -> None:
    lock = MemoryLock()
    created = lock.edit(Record(holder="a"))

    async def abandon() -> None:
        async with lock.open() as session:
            watch = session.watch(created)
            waiting = asyncio.ensure_future(anext(watch))
            await asyncio.sleep(0)
            waiting.cancel()

    asyncio.run(abandon())
    assert lock.edit(Record(holder="b")).version == created.version + 1
