"""What every kind of lock does alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tenure.errors import ConflictError
from tenure.record import Attempt, Contender, Record, Versioned
from tenure.token import FencingToken
from tests.locks.arena import TIMEOUT_S, Arena
from tests.locks.conftest import Play

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LED = Record(holder="a", lease_duration=15, attempt=Attempt("f0", 1))
RENEWED = replace(LED, attempt=Attempt("f0", 2))
BY_ANOTHER = Record(holder="b", lease_duration=15, transitions=1, acquire_time=NOON, renew_time=NOON)


def record_of(versioned: Versioned) -> Record:
    assert isinstance(versioned.record, Record)
    return versioned.record


async def until(changes: AsyncIterator[Versioned], wanted: Callable[[Versioned], bool]) -> Versioned:
    """Return the first wanted change; every one until then is newer than the one before."""
    version = -1
    async for seen in changes:
        assert seen.version > version
        version = seen.version
        if wanted(seen):
            return seen
    raise AssertionError("the watch ended")


def test_a_missing_object_has_no_record_and_no_version(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            assert await session.read(timeout=TIMEOUT_S) == Versioned(record=None, version=0)

    play(scenario)


def test_what_was_created_is_read(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            found = await session.read(timeout=TIMEOUT_S)
        assert found == created
        assert created.version > 0
        assert created.uid
        stored = record_of(created)
        assert replace(stored, acquire_time=None, renew_time=None) == LED

    play(scenario)


def test_only_one_creates(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as one, arena.session() as other:
            created = await one.create(LED, timeout=TIMEOUT_S)
            with pytest.raises(ConflictError):
                await other.create(replace(LED, holder="b"), timeout=TIMEOUT_S)
            assert await other.read(timeout=TIMEOUT_S) == created

    play(scenario)


def test_a_replace_raises_the_version_and_keeps_the_uid(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            replaced = await session.replace(created, RENEWED, timeout=TIMEOUT_S)
            assert await session.read(timeout=TIMEOUT_S) == replaced
        assert replaced.version > created.version
        assert replaced.uid == created.uid
        assert record_of(replaced).attempt == RENEWED.attempt

    play(scenario)


def test_a_stale_replace_conflicts(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            await arena.overwrite(BY_ANOTHER)
            with pytest.raises(ConflictError):
                await session.replace(created, RENEWED, timeout=TIMEOUT_S)
            assert (await session.read(timeout=TIMEOUT_S)).record == BY_ANOTHER

    play(scenario)


def test_a_late_replace_never_creates_anew(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            await arena.delete()
            with pytest.raises(ConflictError):
                await session.replace(created, RENEWED, timeout=TIMEOUT_S)
            assert (await session.read(timeout=TIMEOUT_S)).record is None

    play(scenario)


def test_a_late_replace_does_not_touch_the_successor_under_a_new_uid(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            await arena.delete()
            again = await session.create(replace(LED, holder="b"), timeout=TIMEOUT_S)
            with pytest.raises(ConflictError):
                await session.replace(created, RENEWED, timeout=TIMEOUT_S)
            assert await session.read(timeout=TIMEOUT_S) == again
        assert again.uid != created.uid
        assert again.version > created.version

    play(scenario)


def test_an_identical_replace_returns_the_same_version(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        arena.now = NOON  # both sides of a pair are stamped within the same second
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            same = await session.replace(created, record_of(created), timeout=TIMEOUT_S)
        assert same.version == created.version

    play(scenario)


def test_renew_times_rise_by_a_second_at_least_while_the_wall_clock_stands_or_steps_back(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        seen = []
        async with arena.session() as session:
            arena.now = NOON
            state = await session.create(LED, timeout=TIMEOUT_S)
            seen.append(record_of(state).renew_time)
            for step in (
                timedelta(0),
                timedelta(hours=-1),
                timedelta(milliseconds=500),
                timedelta(minutes=5),
            ):
                arena.now = NOON + step
                state = await session.replace(state, RENEWED, timeout=TIMEOUT_S)
                seen.append(record_of(state).renew_time)
        assert seen == sorted(set(seen), key=str)
        assert seen[-1] == NOON + timedelta(minutes=5)

    play(scenario)


def test_the_acquire_time_is_kept_when_given_and_the_renew_time_when_not(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        arena.now = NOON
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            arena.now = NOON + timedelta(seconds=5)
            acquired = record_of(created).acquire_time
            renewal = replace(RENEWED, acquire_time=acquired)
            renewed = record_of(await session.replace(created, renewal, timeout=TIMEOUT_S))
        assert acquired == NOON
        assert (renewed.acquire_time, renewed.renew_time) == (NOON, NOON + timedelta(seconds=5))

    play(scenario)


def test_exact_durations_tokens_and_attempts_travel_and_a_release_takes_them_away(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            created = await session.create(replace(LED, lease_duration=0.25), timeout=TIMEOUT_S)
            token = FencingToken(2, created.version)
            renewal = replace(RENEWED, lease_duration=0.25, token=token)
            renewed = await session.replace(created, renewal, timeout=TIMEOUT_S)
            release = Record(holder="", lease_duration=1, transitions=1, attempt=Attempt("f0", 3))
            released = await session.replace(renewed, release, timeout=TIMEOUT_S)
            found = await session.read(timeout=TIMEOUT_S)
        assert record_of(created).lease_duration == 0.25
        assert record_of(renewed).token == token
        assert found == released
        free = record_of(found)
        assert (free.holder, free.lease_duration, free.token, free.transitions) == ("", 1, None, 1)
        assert free.attempt == Attempt("f0", 3)
        assert free.acquire_time == free.renew_time

    play(scenario)


def test_a_note_of_another_leaves_all_that_the_leader_lives_by_and_its_next_write_leaves_the_note(
    play: Play,
) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as leader, arena.session() as other:
            created = await leader.create(replace(LED, lease_duration=0.25), timeout=TIMEOUT_S)
            seen = await other.read(timeout=TIMEOUT_S)
            note = replace(record_of(seen), request="b", contenders=(Contender("b", 7, True),))
            noted = await other.replace(seen, note, timeout=TIMEOUT_S)
            assert noted.version > created.version
            assert noted.uid == created.uid
            assert record_of(noted) == note
            assert await leader.read(timeout=TIMEOUT_S) == noted
            with pytest.raises(ConflictError):
                await leader.replace(created, RENEWED, timeout=TIMEOUT_S)
            renewed = record_of(await leader.replace(noted, RENEWED, timeout=TIMEOUT_S))
        assert (renewed.request, renewed.contenders) == (None, ())

    play(scenario)


def test_a_hint_stands_in_a_freed_record(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            attempt = Attempt("f0", 2)
            release = Record(holder="", lease_duration=1, transitions=1, attempt=attempt, hint="b")
            await session.replace(created, release, timeout=TIMEOUT_S)
            assert record_of(await session.read(timeout=TIMEOUT_S)).hint == "b"

    play(scenario)


def test_a_watch_tells_of_changes_deletion_and_creation_under_a_new_uid(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session, arena.session() as leader:
            created = await leader.create(LED, timeout=TIMEOUT_S)
            async with aclosing(session.watch(created)) as changes:
                replaced = await leader.replace(created, RENEWED, timeout=TIMEOUT_S)
                await until(changes, lambda seen: seen == replaced)
                await arena.delete()
                deleted = await until(changes, lambda seen: seen.record is None)
                again = await leader.create(LED, timeout=TIMEOUT_S)
                await until(changes, lambda seen: seen == again)
        assert deleted.record is None
        assert deleted.uid == created.uid
        assert replaced.version < deleted.version < again.version
        assert again.uid != created.uid

    play(scenario)


def test_a_watch_from_an_absence_sees_what_was_created_before_it_began(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            absent = await session.read(timeout=TIMEOUT_S)
            created = await session.create(LED, timeout=TIMEOUT_S)
            async with aclosing(session.watch(absent)) as changes:
                await until(changes, lambda seen: seen == created)
                await arena.overwrite(BY_ANOTHER)
                await until(changes, lambda seen: seen.record == BY_ANOTHER)

    play(scenario)


def test_a_write_by_another_candidate_carries_no_attempt_of_ours(play: Play) -> None:
    async def scenario(arena: Arena) -> None:
        async with arena.session() as session:
            await session.create(replace(LED, token=FencingToken(0, 5)), timeout=TIMEOUT_S)
            await arena.overwrite(BY_ANOTHER)
            assert (await session.read(timeout=TIMEOUT_S)).record == BY_ANOTHER

    play(scenario)
