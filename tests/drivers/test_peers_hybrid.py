"""Electors among peers that write each change of leader to a lock, whose versions number the terms."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tenure import (
    ConfigurationError,
    LeaderElector,
    LeaseLock,
    LockUnavailableError,
    MemoryLock,
    MultiLock,
    PermissionDeniedError,
    StaleTokenError,
)
from tenure.events import Available, Elected, Lost, RecordTrouble, Renewed, Unavailable
from tenure.fencing.memory import MemoryFence
from tenure.record import Record
from tests.drivers.peers import STEADY, Circle, Peer, leader_of, token_of
from tests.drivers.tools import FaultyLock, forever, holder_of, play, record_of, until


def version_of(lock: MemoryLock) -> int:
    return lock._store.read().version


def test_the_token_is_the_version_of_the_leaders_write(tmp_path: Path) -> None:
    async def scene() -> None:
        lock = MemoryLock("reports")
        circle = Circle(tmp_path, lock=lock)
        peers = [circle.peer(name) for name in "abc"]
        async with circle.running(*peers):
            first = await leader_of(*peers)
            assert first.elector.describe() == "peers reports"
            assert (holder_of(lock), version_of(lock)) == (first.name, token_of(first))
            first.elector.resign()
            await until(lambda: any(peer.elector.is_leader() for peer in peers if peer is not first))
            second = await leader_of(*peers)
            assert (holder_of(lock), version_of(lock)) == (second.name, token_of(second))
            record = record_of(lock)
            assert record
            assert record.transitions == 1

    play(scene())


def test_while_the_leader_stays_the_lock_is_not_asked(tmp_path: Path) -> None:
    async def scene() -> None:
        lock = FaultyLock(MemoryLock("reports"))
        circle = Circle(tmp_path, lock=lock, timing=STEADY)
        peers = [circle.peer(name) for name in "abc"]
        async with circle.running(*peers):
            leader = await leader_of(*peers)
            await until(lambda: len(lock.calls) >= 5)  # a look by each, then a look and a write
            assert sorted(lock.calls) == ["create", "read", "read", "read", "read"]
            lock.calls.clear()
            renewals = leader.seen.seen(Renewed)
            await until(lambda: leader.seen.seen(Renewed) >= renewals + 3)
            assert lock.calls == []

    play(scene())


def test_without_the_lock_the_leader_stays_and_nobody_new_is_elected(tmp_path: Path) -> None:
    async def scene() -> None:
        lock = FaultyLock(MemoryLock("reports"))
        circle = Circle(tmp_path, lock=lock)
        peers = [circle.peer(name) for name in "abc"]
        async with circle.running(*peers):
            leader = await leader_of(*peers)
            token = token_of(leader)
            lock.down.set()
            renewals = leader.seen.seen(Renewed)
            await until(lambda: leader.seen.seen(Renewed) >= renewals + 4)
            assert leader.elector.is_leader()
            leader.elector.resign()
            await until(lambda: sum(peer.seen.seen(Unavailable) for peer in peers) >= 2)
            assert [peer.seen.seen(Elected) for peer in peers if peer is not leader] == [0, 0]
            lock.down.clear()
            await until(lambda: any(peer.elector.is_leader() for peer in peers))
            assert token_of(await leader_of(*peers)) > token
            assert any(peer.seen.seen(Available) for peer in peers)

    play(scene())


def test_if_it_is_wanted_one_is_elected_without_a_token_and_says_so(tmp_path: Path) -> None:
    async def scene() -> None:
        lock = FaultyLock(MemoryLock("reports"))
        circle = Circle(tmp_path, lock=lock)
        peers = [circle.peer(name, peers={"on_outage": "elect"}) for name in "abc"]
        fence = MemoryFence()
        async with circle.running(*peers):
            first = await leader_of(*peers)
            token = first.elector.latest.token
            assert token
            await fence.raise_to(token)
            lock.down.set()
            first.elector.resign()
            await until(lambda: any(peer.elector.is_leader() for peer in peers if peer is not first))
            second = await leader_of(*peers)
            assert token_of(second) == 0
            [trouble] = [each for each in second.seen.events if isinstance(each, RecordTrouble)]
            assert trouble.message.startswith("elected without a fencing token")
            unnumbered = second.elector.latest.token
            assert unnumbered
            with pytest.raises(StaleTokenError):
                await fence.raise_to(unnumbered)

    play(scene())


def test_a_write_whose_answer_is_lost_is_recognised(tmp_path: Path) -> None:
    async def scene() -> None:
        memory = MemoryLock("reports")
        lock = FaultyLock(memory)
        lost: list[str] = []

        async def lose(operation: str) -> None:
            if operation == "create" and not lost:
                lost.append(operation)
                raise LockUnavailableError("the answer was lost")

        lock.after = lose
        circle = Circle(tmp_path, lock=lock)
        peers = [circle.peer(name) for name in "abc"]
        async with circle.running(*peers):
            leader = await leader_of(*peers)
            assert lost == ["create"]
            assert (holder_of(memory), version_of(memory)) == (leader.name, token_of(leader))
            assert version_of(memory) == 1

    play(scene())


def test_what_somebody_writes_over_it_ends_no_term_and_numbers_go_on(tmp_path: Path) -> None:
    """The lock keeps nobody from leading: that is what the peers agree on."""

    async def scene() -> None:
        lock = MemoryLock("reports")
        circle = Circle(tmp_path, lock=lock, timing=STEADY)
        peers = [circle.peer(name) for name in "abc"]
        async with circle.running(*peers):
            first = await leader_of(*peers)
            token = token_of(first)
            async with lock.open() as session:
                seen = await session.read(timeout=5)
                assert isinstance(seen.record, Record)
                await session.replace(seen, replace(seen.record, holder="by hand"), timeout=5)
            renewals = first.seen.seen(Renewed)
            await until(lambda: first.seen.seen(Renewed) >= renewals + 2)
            assert first.seen.seen(Lost) == 0
            first.elector.resign()
            await until(lambda: any(peer.elector.is_leader() for peer in peers if peer is not first))
            assert token_of(await leader_of(*peers)) > token + 1

    play(scene())


def test_a_lock_that_would_expire_is_refused(tmp_path: Path) -> None:
    lease = LeaseLock("reports", "default", kubeconfig=tmp_path / "none")
    other = LeaseLock("other", "default", kubeconfig=tmp_path / "none")
    circle = Circle(tmp_path, lock=lease)
    for lock in (lease, MultiLock(lease, other)):
        with pytest.raises(ConfigurationError, match=r"would expire, since peers do not renew it: pass its"):
            LeaderElector(lock, peers=circle.peers("a"), identity="a")


def test_what_is_not_allowed_from_the_start_ends_it(tmp_path: Path) -> None:
    async def scene() -> None:
        lock = FaultyLock(MemoryLock("reports"))

        async def refuse(operation: str) -> None:
            raise PermissionDeniedError("read it takes the rule …")

        lock.before = refuse
        peer: Peer = Circle(tmp_path, "a", lock=lock).peer("a")
        with pytest.raises(PermissionDeniedError):
            await peer.elector.run(forever)
        with pytest.raises(PermissionDeniedError):
            async with peer.elector.running(forever):
                await asyncio.Event().wait()

    play(scene())
