"""What two locks make of one another."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from tenure import LeaderElector, Term, Timing
from tenure.errors import ConflictError, LockUnavailableError, PermissionDeniedError
from tenure.events import Unavailable
from tenure.lock import LockSession
from tenure.locks.memory import MemoryLock
from tenure.locks.multi import UNKNOWN_HOLDER, MultiLock
from tenure.record import Attempt, Record, UnreadableRecord, Versioned
from tests.locks.test_conformance import BY_ANOTHER, LED, NOON, RENEWED, record_of, until

TIMEOUT_S = 5.0
A, B = replace(LED, renew_time=NOON, acquire_time=NOON), BY_ANOTHER
FREE = Record(holder="", lease_duration=1, renew_time=NOON, attempt=Attempt("f0", 9))


class Both:
    """Two memory locks and a session of both."""

    def __init__(self, session: LockSession, primary: MemoryLock, secondary: MemoryLock) -> None:
        self.session = session
        self.primary = primary
        self.secondary = secondary

    async def read(self) -> Versioned:
        return await self.session.read(timeout=TIMEOUT_S)

    async def secondary_alone(self) -> Versioned:
        async with self.secondary.open() as session:
            return await session.read(timeout=TIMEOUT_S)


@asynccontextmanager
async def both() -> AsyncIterator[Both]:
    primary, secondary = MemoryLock("old"), MemoryLock("new")
    async with MultiLock(primary, secondary).open() as session:
        yield Both(session, primary, secondary)


def play(scenario: Callable[[Both], Awaitable[None]]) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), both() as locks:
            await scenario(locks)

    asyncio.run(scene())


def combined(primary: Record | UnreadableRecord, secondary: Record | UnreadableRecord) -> Versioned:
    found = []

    async def scenario(locks: Both) -> None:
        locks.primary.edit(primary)
        locks.secondary.edit(secondary)
        found.append(await locks.read())

    play(scenario)
    return found[0]


def test_one_holder_of_both_is_the_holder() -> None:
    assert combined(A, A).record == A


def test_of_one_candidates_two_attempts_that_counts_which_both_have_accepted() -> None:
    newer = replace(A, attempt=Attempt("f0", 2), renew_time=NOON + timedelta(seconds=5))
    assert record_of(combined(newer, A)).attempt == A.attempt
    assert record_of(combined(A, newer)).attempt == A.attempt


@pytest.mark.parametrize(
    ("primary", "secondary"),
    [
        (A, B),
        (B, A),
        (FREE, A),
        (A, FREE),
        (A, replace(A, attempt=None)),
        (A, replace(A, attempt=Attempt("e1", 1))),
    ],
)
def test_where_they_do_not_agree_nobody_known_holds_and_the_longer_duration_counts(
    primary: Record, secondary: Record
) -> None:
    record = record_of(combined(primary, replace(secondary, lease_duration=40)))
    assert record.holder == UNKNOWN_HOLDER
    assert record.lease_duration == 40
    assert record.attempt is not None
    assert record.attempt.incarnation not in ("f0", "e1")


def test_a_name_by_hand_in_one_of_them_never_expires() -> None:
    assert record_of(combined(replace(B, lease_duration=math.inf), A)).lease_duration == math.inf


def test_any_change_of_either_starts_the_wait_for_the_unknown_holder_anew() -> None:
    later = NOON + timedelta(seconds=5)
    attempts = {
        record_of(combined(primary, secondary)).attempt
        for primary, secondary in [
            (A, B),
            (replace(A, attempt=Attempt("f0", 2)), B),
            (A, replace(B, renew_time=later)),
        ]
    }
    assert len(attempts) == 3
    assert record_of(combined(A, B)).attempt in attempts


def test_a_renewal_of_either_shows_where_the_writer_leaves_no_attempt() -> None:
    later = replace(B, renew_time=NOON + timedelta(seconds=5))
    assert record_of(combined(later, B)).renew_time == later.renew_time
    assert record_of(combined(B, later)).renew_time == later.renew_time


def test_free_only_if_both_are() -> None:
    assert record_of(combined(FREE, FREE)).holder == ""
    assert record_of(combined(FREE, FREE)).attempt == FREE.attempt


@pytest.mark.parametrize("refused", [True, False])
def test_one_that_cannot_be_read_makes_both_unreadable(refused: bool) -> None:
    broken = UnreadableRecord("broken", refused=refused)
    assert combined(broken, A).record == broken
    assert combined(FREE, broken).record == broken


def test_held_by_a_candidate_of_the_old_kind_alone() -> None:
    async def scenario(locks: Both) -> None:
        locks.primary.edit(A)
        found = await locks.read()
        assert found.record == replace(A, attempt=None)
        taken = await locks.session.replace(found, replace(RENEWED, holder="b"), timeout=TIMEOUT_S)
        assert record_of(taken).holder == "b"
        assert taken.uid != found.uid
        assert taken == await locks.read()

    play(scenario)


def test_held_by_a_candidate_of_the_new_kind_alone() -> None:
    async def scenario(locks: Both) -> None:
        locks.secondary.edit(A)
        found = await locks.read()
        assert found.record == replace(A, attempt=None)
        taken = await locks.session.replace(found, replace(RENEWED, holder="b"), timeout=TIMEOUT_S)
        assert record_of(taken).holder == "b"

    play(scenario)


@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_the_deletion_of_one_side_is_a_new_uid_and_a_higher_version(side: str) -> None:
    async def scenario(locks: Both) -> None:
        created = await locks.session.create(LED, timeout=TIMEOUT_S)
        lock: MemoryLock = getattr(locks, side)
        async with aclosing(locks.session.watch(created)) as changes:
            lock.delete()
            seen = await until(changes, lambda seen: seen.uid != created.uid)
        read = await locks.read()
        assert read.version >= seen.version > created.version
        assert read.uid == seen.uid
        with pytest.raises(ConflictError):
            await locks.session.replace(created, RENEWED, timeout=TIMEOUT_S)
        again = await locks.session.replace(await locks.read(), RENEWED, timeout=TIMEOUT_S)
        assert again.version > read.version
        assert again.uid not in (created.uid, read.uid)

    play(scenario)


def test_a_deletion_found_by_reading_raises_the_version_once() -> None:
    async def scenario(locks: Both) -> None:
        created = await locks.session.create(LED, timeout=TIMEOUT_S)
        locks.secondary.delete()
        first, second = await locks.read(), await locks.read()
        assert first.version > created.version
        assert second == first

    play(scenario)


def test_the_primary_is_ours_and_the_secondary_another_has() -> None:
    async def scenario(locks: Both) -> None:
        created = await locks.session.create(LED, timeout=TIMEOUT_S)
        locks.secondary.edit(B)
        with pytest.raises(ConflictError):
            await locks.session.replace(created, RENEWED, timeout=TIMEOUT_S)
        assert record_of(await locks.read()).holder == UNKNOWN_HOLDER

    play(scenario)


def test_a_primary_that_conflicts_leaves_the_secondary_alone() -> None:
    async def scenario(locks: Both) -> None:
        created = await locks.session.create(LED, timeout=TIMEOUT_S)
        locks.primary.edit(B)
        with pytest.raises(ConflictError):
            await locks.session.replace(created, RENEWED, timeout=TIMEOUT_S)
        async with locks.secondary.open() as secondary:
            assert record_of(await secondary.read(timeout=TIMEOUT_S)).attempt == LED.attempt

    play(scenario)


class RefusingLock(MemoryLock):
    """Refuses every write without applying it."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        async with super().open() as session:

            async def refuse(*args: object, **options: object) -> Versioned:
                raise LockUnavailableError("429", refused=True, retry_after_s=7)

            session.create = refuse  # type: ignore[method-assign]
            yield session


def test_a_refusal_by_the_secondary_leaves_the_outcome_open() -> None:
    async def scenario() -> None:
        async with MultiLock(MemoryLock(), RefusingLock()).open() as session:
            with pytest.raises(LockUnavailableError) as caught:
                await session.create(LED, timeout=TIMEOUT_S)
        assert not caught.value.refused
        assert caught.value.retry_after_s == 7

    asyncio.run(scenario())


def test_a_refusal_by_the_primary_is_one() -> None:
    async def scenario() -> None:
        async with MultiLock(RefusingLock(), MemoryLock()).open() as session:
            with pytest.raises(LockUnavailableError) as caught:
                await session.create(LED, timeout=TIMEOUT_S)
        assert caught.value.refused

    asyncio.run(scenario())


def test_versions_rise_with_every_change_of_either() -> None:
    async def scenario(locks: Both) -> None:
        created = await locks.session.create(LED, timeout=TIMEOUT_S)
        edits = [(locks.primary, B), (locks.secondary, B), (locks.secondary, A), (locks.primary, A)]
        async with aclosing(locks.session.watch(created)) as changes:
            version = created.version
            for lock, record in edits:
                lock.edit(record)
                seen = await anext(changes)
                assert seen.version > version
                version = seen.version
            assert seen.record == A

    play(scenario)


def test_a_token_counts_by_the_lock_that_is_migrated_to() -> None:
    async def scenario(locks: Both) -> None:
        locks.primary.edit(A)
        locks.primary.edit(A)
        locks.secondary.edit(A)
        seen = await locks.read()
        alone = await locks.secondary_alone()
        assert (seen.version, seen.token_version) == (3, alone.version)

    play(scenario)


def test_tokens_go_on_when_the_old_lock_is_left_behind() -> None:
    """Rule 9: a later term has the higher token, also where it is held by the new lock alone."""
    primary, secondary = MemoryLock("old"), MemoryLock("new")
    tokens = []

    async def work(term: Term) -> None:
        tokens.append(term.token)

    async def scene() -> None:
        for _ in range(50):
            primary.edit(FREE)  # versions of the old lock run far ahead
        await LeaderElector(MultiLock(primary, secondary), identity="a").run(work)
        await LeaderElector(secondary, identity="b").run(work)

    asyncio.run(scene())
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 2


class UncreatableLock(MemoryLock):
    """One whose object this identity may read, and not create."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        async with super().open() as session:

            async def create(record: Record, *, timeout: float) -> Versioned:
                raise PermissionDeniedError("may not create it")

            session.create = create  # type: ignore[method-assign]
            yield session


def test_nobody_leads_on_the_primary_alone() -> None:
    """A write counts only if both locks accepted it."""
    primary, secondary = MemoryLock("old"), UncreatableLock("new")

    async def work(term: Term) -> None:
        pytest.fail(f"led on one lock of two: {term}")

    async def scene() -> None:
        elector = LeaderElector(
            MultiLock(primary, secondary), identity="a", timing=Timing(lease_duration=0.3)
        )
        tries = asyncio.Semaphore(0)
        elector.subscribe(lambda event: tries.release() if isinstance(event, Unavailable) else None)
        async with asyncio.timeout(60), elector.running(work):
            await tries.acquire()
            await anext(change async for change in elector.changes() if change.leader is None)
            await asyncio.sleep(1)

    asyncio.run(scene())
    assert record_of(asyncio.run(_read(primary))).holder == "a"


async def _read(lock: MemoryLock) -> Versioned:
    async with lock.open() as session:
        return await session.read(timeout=TIMEOUT_S)
