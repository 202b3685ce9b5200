"""Petition: what is asked reaches the leader, and who cannot be asked is named."""

from __future__ import annotations

import asyncio

import pytest

from tenure import LeaderElector, LockUnavailableError, MemoryLock, NotLeaderError
from tenure.petition import petition
from tenure.record import Record, UnreadableRecord
from tests.drivers.tools import ROOMY, FaultyLock, forever, play, record_of, until


async def ask(lock: MemoryLock | FaultyLock, to: str = "") -> None:
    async with lock.open() as session:
        await petition(session, to, timeout=0.5)


def test_the_one_that_is_named_leads_next() -> None:
    lock = MemoryLock()
    a, b, c = (LeaderElector(lock, identity=name, timing=ROOMY) for name in "abc")

    async def scene() -> None:
        async with a.running(forever):
            await until(a.is_leader)
            async with b.running(forever), c.running(forever):
                await ask(lock, "c")
                await until(c.is_leader)

    play(scene())


def test_a_renewal_in_between_is_asked_again() -> None:
    lock = MemoryLock()
    elector, other = (LeaderElector(lock, identity=name, timing=ROOMY) for name in "ab")
    watched = FaultyLock(lock)
    meddled = 0

    async def meddle(operation: str) -> None:
        nonlocal meddled
        if operation == "replace" and not meddled:
            meddled += 1
            record = record_of(lock)
            assert record is not None
            lock.edit(record)

    async def scene() -> None:
        watched.before = meddle
        async with elector.running(forever):
            await until(elector.is_leader)
            async with other.running(forever):
                await ask(watched, "b")
                await until(other.is_leader)

    play(scene())
    assert meddled
    assert watched.calls.count("replace") == 2


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (None, "nobody leads"),
        (Record(holder=""), "nobody leads"),
        (Record(holder="go", lease_duration=15), "'go' cannot be asked to hand over"),
        (UnreadableRecord("spec is a list"), "spec is a list"),
    ],
)
def test_who_cannot_be_asked_is_named(record: Record | UnreadableRecord | None, fault: str) -> None:
    lock = MemoryLock()
    if record is not None:
        lock.edit(record)
    with pytest.raises(NotLeaderError, match=fault):
        asyncio.run(ask(lock))


def test_a_record_that_never_stands_still_is_given_up() -> None:
    lock = MemoryLock()
    elector = LeaderElector(lock, identity="a", timing=ROOMY)
    watched = FaultyLock(lock)

    async def meddle(operation: str) -> None:
        record = record_of(lock)
        if operation == "replace" and record is not None:
            lock.edit(record)

    async def scene() -> None:
        watched.before = meddle
        async with elector.running(forever):
            await until(elector.is_leader)
            with pytest.raises(LockUnavailableError, match="changed at every attempt"):
                await ask(watched)

    play(scene())
