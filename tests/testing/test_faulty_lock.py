"""FaultyLock: each fault, alone and on purpose, and the random ones by their seed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from tenure import LeaderElector, LockUnavailableError, MemoryLock, Term
from tenure.errors import ConflictError
from tenure.lock import LockSession
from tenure.record import Attempt, Record, Versioned
from tenure.testing.faulty_lock import CALM, STORMY, FaultyLock, Weather
from tenure.testing.virtual_time import Machine, run_simulated, true_time

EXACT = replace(CALM, latency_s=(0.5, 0.5), watch_lag_s=0.0)


def record(number: int = 1, holder: str = "a") -> Record:
    return Record(holder=holder, lease_duration=15, attempt=Attempt("i", number))


async def first_change(session: LockSession, since: Versioned) -> Versioned:
    async with aclosing(session.watch(since)) as changes:  # type: ignore[type-var]
        return await anext(changes)


def test_calm_weather_is_a_lock_with_latency() -> None:
    async def scene() -> None:
        lock = FaultyLock(MemoryLock(), weather=EXACT)
        async with lock.seen_by("a").open() as a, lock.seen_by("b").open() as b:
            nothing = await b.read(timeout=2)
            assert nothing.record is None
            assert true_time() == 1
            watching = asyncio.create_task(first_change(b, nothing))
            created = await a.create(record(), timeout=2)
            assert (await watching).version == created.version
            renewed = await a.replace(created, record(2), timeout=2)
            assert (await b.read(timeout=2)).version == renewed.version
            with pytest.raises(ConflictError):
                await b.replace(created, record(3, "b"), timeout=2)
            with pytest.raises(ConflictError):
                await b.create(record(3, "b"), timeout=2)
        assert lock.seen_by("a").describe() == "memory memory as a sees it"
        assert "0.500 b: read: version 0" not in lock.story
        assert "1.000 b: read: version 0" in lock.story

    run_simulated(scene())


def test_cut_off_view_hears_nothing_until_it_is_healed() -> None:
    async def scene() -> None:
        memory = MemoryLock()
        lock = FaultyLock(memory, weather=EXACT)
        async with lock.seen_by("a").open() as a, lock.seen_by("b").open() as b:
            created = await a.create(record(), timeout=2)
            watching = asyncio.create_task(first_change(b, created))
            await asyncio.sleep(1)
            lock.cut("b")
            began = true_time()
            with pytest.raises(LockUnavailableError, match="no answer within 3 s"):
                await b.read(timeout=3)
            assert true_time() - began == 3
            renewed = await a.replace(created, record(2), timeout=2)
            await asyncio.sleep(5)
            assert not watching.done()
            with pytest.raises(LockUnavailableError):
                await first_change(b, created)
            lock.heal("b")
            assert (await b.read(timeout=2)).version == renewed.version
            with pytest.raises(LockUnavailableError, match="the watch broke"):
                await watching
            assert (await first_change(b, created)).version == renewed.version

    run_simulated(scene())


def test_cut_swallows_an_answer_that_is_under_way() -> None:
    async def scene() -> None:
        memory = MemoryLock()
        lock = FaultyLock(memory, weather=EXACT)
        async with lock.seen_by("a").open() as a:
            creating = asyncio.create_task(a.create(record(), timeout=5))
            await asyncio.sleep(0.7)
            lock.cut()
            with pytest.raises(LockUnavailableError) as caught:
                await creating
            assert not caught.value.refused
            assert memory._store.read().version == 1

    run_simulated(scene())


def test_outage_refuses_and_breaks_watches_also_of_later_views() -> None:
    async def scene() -> None:
        memory = MemoryLock()
        lock = FaultyLock(memory, weather=EXACT)
        async with lock.seen_by("a").open() as a:
            created = await a.create(record(), timeout=2)
            watching = asyncio.create_task(first_change(a, created))
            await asyncio.sleep(1)
            lock.outage()
            with pytest.raises(LockUnavailableError, match="the watch broke"):
                await watching
            with pytest.raises(LockUnavailableError) as caught:
                await a.replace(created, record(2), timeout=2)
            assert caught.value.refused
        async with lock.seen_by("b").open() as b:
            with pytest.raises(LockUnavailableError, match="no connection for a watch"):
                await first_change(b, created)
            with pytest.raises(LockUnavailableError):
                await b.read(timeout=2)
            lock.heal()
            assert (await b.read(timeout=2)).version == 1

    run_simulated(scene())


@pytest.mark.parametrize("end", ["timeout", "cancellation"])
def test_write_whose_answer_is_lost_is_applied_after_its_sender_gave_up(end: str) -> None:
    async def scene() -> None:
        memory = MemoryLock()
        lock = FaultyLock(memory, weather=EXACT)
        lock.lose_answer("a", late_s=60)
        async with lock.seen_by("a").open() as a:
            creating = asyncio.create_task(a.create(record(), timeout=5))
            await asyncio.sleep(1)
            if end == "cancellation":
                creating.cancel()
            await asyncio.wait({creating})
            if not creating.cancelled():
                assert isinstance(creating.exception(), LockUnavailableError)
        assert memory._store.read().record is None
        await lock.settle()
        assert true_time() == 60.5
        assert memory._store.read().version == 1
        assert lock.story == [
            "60.500 a: create for 'a': version 1, but the answer was lost, for which nobody waits any more"
        ]
        async with lock.seen_by("a").open() as a:
            await a.replace(memory._store.read(), record(2), timeout=5)  # the order was for one write

    run_simulated(scene())


def test_late_write_loses_its_compare_and_swap() -> None:
    async def scene() -> None:
        memory = MemoryLock()
        lock = FaultyLock(memory, weather=EXACT)
        async with lock.seen_by("a").open() as a, lock.seen_by("b").open() as b:
            created = await a.create(record(), timeout=2)
            lock.lose_answer("a", late_s=10)
            with pytest.raises(LockUnavailableError):
                await a.replace(created, record(2), timeout=2)
            taken = await b.replace(created, record(1, "b"), timeout=2)
            await lock.settle()
            assert memory._store.read() == taken
            assert "ConflictError" in lock.story[-1]

    run_simulated(scene())


@pytest.mark.parametrize(
    ("weather", "applied", "refused", "waits"),
    [
        (Weather(refused=1), False, True, False),
        (Weather(throttled=1), False, True, False),
        (Weather(lost_request=1, reset=1), False, False, False),
        (Weather(lost_request=1, reset=0), False, False, True),
        (Weather(lost_answer=1, reset=1), True, False, False),
        (Weather(lost_answer=1, reset=0), True, False, True),
    ],
    ids=["refused", "throttled", "lost, told", "lost", "answer lost, told", "answer lost"],
)
def test_kinds_of_weather(weather: Weather, applied: bool, refused: bool, waits: bool) -> None:
    async def scene() -> None:
        memory = MemoryLock()
        lock = FaultyLock(memory, weather=weather)
        async with lock.seen_by("a").open() as a:
            with pytest.raises(LockUnavailableError) as caught:
                await a.create(record(), timeout=7)
        assert (memory._store.read().record is not None) == applied
        assert caught.value.refused == refused
        assert (true_time() == 7) == waits
        assert (caught.value.retry_after_s is not None) == bool(weather.throttled)

    run_simulated(scene())


def test_late_weather_delays_writes_and_answers() -> None:
    async def scene() -> None:
        memory = MemoryLock()
        lock = FaultyLock(memory, seed=3, weather=Weather(late=1, late_s=10))
        applied_at, answered_at = list[float](), list[float]()
        async with lock.seen_by("a").open() as a:
            seen = await a.read(timeout=100)
            for number in range(1, 20):
                began = true_time()
                writing = asyncio.create_task(
                    a.replace(seen, record(number), timeout=100)
                    if seen.record
                    else a.create(record(number), timeout=100)
                )
                while memory._store.read().version < number:  # noqa: ASYNC110  (there is no event for it)
                    await asyncio.sleep(0.1)
                applied_at.append(true_time() - began)
                seen = await writing
                answered_at.append(true_time() - began - applied_at[-1])
        assert max(applied_at) > 1
        assert max(answered_at) > 1
        assert max(applied_at) + max(answered_at) < 21

    run_simulated(scene())


def test_watches_lag_end_break_and_fall_silent() -> None:
    async def scene() -> set[str]:
        memory, ways = MemoryLock(), set[str]()
        lock = FaultyLock(memory, weather=replace(CALM, watch_life_s=10, watch_lag_s=3, watch_silence_s=60))
        start = memory.edit(record())
        lag_s = 0.0
        async with lock.seen_by("a").open() as a:
            for number in range(2, 40):
                began = true_time()
                changed = memory.edit(record(number))
                try:
                    async for seen in a.watch(start):
                        if seen == changed:
                            lag_s = max(lag_s, true_time() - began)
                    ways.add("closed")
                except LockUnavailableError:
                    ways.add("broke" if true_time() - began < 30 else "was silent")
                start = changed
        assert 1 < lag_s < 4
        return ways

    assert run_simulated(scene()) == {"closed", "broke", "was silent"}


def test_a_paused_machine_holds_up_nobody_else() -> None:
    async def scene() -> None:
        lock = FaultyLock(MemoryLock(), weather=CALM)
        machine = Machine()
        elector, other = (LeaderElector(lock.seen_by(name), identity=name) for name in "ab")

        async def work(term: Term) -> float:
            await asyncio.sleep(10)
            return true_time()

        with machine.here():
            first = asyncio.create_task(elector.run(work))
        await asyncio.sleep(5)
        second = asyncio.create_task(other.run(work))
        await asyncio.sleep(1)
        machine.pause(1000)
        assert 5 + 15 + 10 < await second < 5 + 16 + 10
        assert not first.done()
        assert await first > 1000

    run_simulated(scene())


def test_views_of_one_name_are_one_and_each_name_has_faults_of_its_own() -> None:
    async def story(names: str, seed: int) -> list[str]:
        lock = FaultyLock(MemoryLock(), seed=seed, weather=STORMY)
        assert lock.seen_by("a") is lock.seen_by("a")

        async def ask(name: str) -> None:
            async with lock.seen_by(name).open() as session:
                for _ in range(50):
                    try:
                        await session.read(timeout=2)
                    except LockUnavailableError:
                        continue

        await asyncio.gather(*map(ask, names))
        await lock.settle()
        return [line for line in lock.story if " a: " in line]

    alone, again, beside, other = (
        run_simulated(story(names, seed), seed=1)
        for names, seed in [("a", 1), ("a", 1), ("bca", 1), ("a", 2)]
    )
    assert alone == again == beside
    assert alone != other


def test_it_works_in_real_time_too() -> None:
    async def scene() -> str:
        lock = FaultyLock(MemoryLock(), weather=replace(CALM, latency_s=(0, 0.001), watch_lag_s=0))

        async def work(term: Term) -> str:
            return "led"

        return await LeaderElector(lock.seen_by("a"), identity="a").run(work)

    assert asyncio.run(scene()) == "led"
