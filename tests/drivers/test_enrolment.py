"""Candidates in the roster of their election: renewed rarely, gone when they are, whatever else fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tenure import (
    ConfigurationError,
    LeaderElector,
    LeaseLock,
    LockUnavailableError,
    MemoryLock,
    PermissionDeniedError,
    Term,
    Timing,
    blocking,
)
from tenure.lock import LockSession
from tenure.locks.memory_roster import MemoryRoster
from tenure.locks.roster import Entry, Roster, candidates_of
from tenure.locks.stamping import utc_now
from tenure.testing.faulty_lock import FaultyLock
from tenure.testing.pytest_plugin import RunningDevServer
from tenure.testing.virtual_time import run_simulated, true_time
from tests.drivers.processes import child
from tests.drivers.tools import forever, play, wait_until

PERIOD_S = 4 * Timing().lease_duration
LAPSE_S = 3 * PERIOD_S


class Kept:
    """A `MemoryLock` with a roster that keeps its calls, and fails or hangs as the test wants.

    Attributes:
        calls: the names of all calls of the roster, in order, with their virtual times.
        trouble: raised by every call; None: it works.
        hangs: every call takes as long as it may.
    """

    def __init__(self) -> None:
        self.lock = MemoryLock("reports")
        self.roster = MemoryRoster()
        self.calls: list[tuple[str, float]] = []
        self.trouble: Exception | None = None
        self.hangs = False

    def describe(self) -> str:
        return self.lock.describe()

    @property
    def election(self) -> str:
        return self.lock.election

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        async with self.lock.open() as session:
            yield session

    @asynccontextmanager
    async def open_roster(self) -> AsyncIterator[Roster]:
        yield self

    async def list(self, *, timeout: float) -> list[Entry]:
        await self._called("list", timeout)
        return await self.roster.list(timeout=timeout)

    async def write(self, entry: Entry, *, timeout: float) -> Entry:
        await self._called(f"write {entry.identity}", timeout)
        return await self.roster.write(entry, timeout=timeout)

    async def remove(self, entry: Entry, *, timeout: float) -> None:
        await self._called(f"remove {entry.identity}", timeout)
        await self.roster.remove(entry, timeout=timeout)

    async def names(self) -> list[str]:
        """Return who is in the roster."""
        return [each.identity for each in await self.roster.list(timeout=1)]

    def count(self, call: str) -> int:
        """Return how often something was called."""
        return sum(name == call for name, _ in self.calls)

    async def _called(self, name: str, timeout: float) -> None:
        self.calls.append((name, true_time()))
        if self.hangs:
            await asyncio.sleep(timeout)
            raise LockUnavailableError("no answer")
        if self.trouble is not None:
            raise self.trouble


def candidate(lock: Any, identity: str, **options: Any) -> LeaderElector:
    return LeaderElector(lock, identity=identity, candidates=True, **options)


def test_everybody_sees_all_candidates_with_their_wishes() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        before = utc_now()
        async with (
            candidate(lock, "a").running(forever),
            candidate(lock, "b", priority=9, preempt=True).running(forever),
        ):
            await asyncio.sleep(1)
            a, b = await candidates_of(lock)
            assert (a.identity, a.priority, a.preempt, a.lapse) == ("a", 0, False, LAPSE_S)
            assert (b.identity, b.priority, b.preempt) == ("b", 9, True)
            for each in (a, b):
                assert each.since == each.renewed
                assert each.since
                assert before <= each.since <= utc_now()
        assert await candidates_of(lock) == []

    run_simulated(scene())


def test_nobody_is_in_the_roster_unasked() -> None:
    kept = Kept()

    async def scene() -> None:
        async with LeaderElector(kept, identity="a").running(forever):
            await asyncio.sleep(600)
        assert kept.calls == []

    run_simulated(scene())


def test_an_entry_is_renewed_every_four_leases_and_the_leader_alone_lists_as_often() -> None:
    kept = Kept()

    async def scene() -> None:
        async with candidate(kept, "a").running(forever):
            await asyncio.sleep(1)
            async with candidate(kept, "b").running(forever):
                await asyncio.sleep(1)
                (since, _) = [each.since for each in await candidates_of(kept)]
                kept.calls.clear()
                await asyncio.sleep(100 * PERIOD_S)
                renewed = [kept.count("write a"), kept.count("write b")]
                assert all(100 <= times <= 112 for times in renewed)
                assert kept.count("list") in (renewed[0] - 1, renewed[0], renewed[0] + 1)
                assert not any(name.startswith("remove") for name, _ in kept.calls)
                (entry, _) = await candidates_of(kept)
                assert entry.since == since
                assert entry.renewed
                assert entry.renewed > since

    run_simulated(scene())


def test_who_began_together_does_not_renew_together() -> None:
    kept = Kept()

    async def scene() -> None:
        async with candidate(kept, "a").running(forever), candidate(kept, "b").running(forever):
            await asyncio.sleep(20 * PERIOD_S)
        times = {name: [at for each, at in kept.calls if each == f"write {name}"] for name in "ab"}
        assert times["a"][0] == times["b"][0]
        assert set(times["a"][1:]).isdisjoint(times["b"][1:])

    run_simulated(scene())


def test_the_leader_removes_the_dead_and_nobody_else() -> None:
    kept = Kept()

    async def scene() -> None:
        dead = await kept.roster.write(Entry(identity="dead", lapse=LAPSE_S), timeout=1)
        slow = await kept.roster.write(Entry(identity="slow", lapse=10 * LAPSE_S), timeout=1)
        # Who is not eligible does not lead. The times in an entry are of another clock, and tell nothing.
        async with candidate(kept, "idle", eligible=_never).running(forever):
            await asyncio.sleep(10 * LAPSE_S)
            assert await kept.roster.list(timeout=1) == [dead, slow]
        async with candidate(kept, "a").running(forever), candidate(kept, "b").running(forever):
            await asyncio.sleep(LAPSE_S)
            assert await kept.names() == ["a", "b", "dead", "slow"]
            await asyncio.sleep(2 * PERIOD_S)
            assert await kept.names() == ["a", "b", "slow"]
            await asyncio.sleep(10 * LAPSE_S)
            assert await kept.names() == ["a", "b"]
        assert kept.count("remove dead") == kept.count("remove slow") == 1

    run_simulated(scene())


def test_many_dead_ones_go_in_several_periods() -> None:
    kept = Kept()

    async def scene() -> None:
        for number in range(50):
            await kept.roster.write(Entry(identity=f"dead-{number}", lapse=LAPSE_S), timeout=1)
        async with candidate(kept, "a").running(forever):
            await asyncio.sleep(LAPSE_S + 5 * PERIOD_S)
            assert await kept.names() == ["a"]
        story = "".join(name[0] for name, _ in kept.calls[:-1])  # the last call is the withdrawal
        assert [len(period) for period in story.replace("w", "").split("l") if period] == [20, 20, 10]

    run_simulated(scene())


def test_a_candidate_that_was_taken_for_dead_writes_itself_down_again() -> None:
    kept = Kept()

    async def scene() -> None:
        async with candidate(kept, "a").running(forever):
            await asyncio.sleep(1)
            (entry,) = await candidates_of(kept)
            await kept.roster.remove(entry, timeout=1)
            await asyncio.sleep(PERIOD_S)
            assert await kept.names() == ["a"]

    run_simulated(scene())


def test_the_election_comes_first(tenure_devserver: RunningDevServer) -> None:
    lock = LeaseLock("reports", "default", kubeconfig=tenure_devserver.kubeconfig)

    async def scene() -> None:
        async with candidate(lock, "a").running(forever):
            async with asyncio.timeout(30):
                while not await candidates_of(lock):  # noqa: ASYNC110  (what is waited for has no event)
                    await asyncio.sleep(0.005)

    play(scene())
    paths = [each.path for each in tenure_devserver.server.requests]
    of_the_roster = next(index for index, path in enumerate(paths) if "/reports-" in path)
    assert any(path.endswith("/reports") for path in paths[:of_the_roster])


async def _never() -> bool:
    return False


def test_who_is_not_eligible_is_no_candidate() -> None:
    kept = Kept()
    fit = False

    async def is_fit() -> bool:
        return fit

    async def scene() -> None:
        nonlocal fit
        async with candidate(kept, "a", eligible=is_fit).running(forever):
            await asyncio.sleep(2 * PERIOD_S)
            assert kept.calls == []
            fit = True
            await asyncio.sleep(5)
            (first,) = await candidates_of(kept)
            fit = False
            await asyncio.sleep(5)
            assert await kept.names() == []
            fit = True
            await asyncio.sleep(5)
            (second,) = await candidates_of(kept)
            assert first.since
            assert second.since
            assert second.since > first.since
            fit = False
            await asyncio.sleep(5)
        assert kept.count("write a") == kept.count("remove a") == 2

    run_simulated(scene())


def test_two_processes_of_one_identity_share_an_entry_that_outlives_either() -> None:
    kept = Kept()

    async def scene() -> None:
        async with candidate(kept, "a").running(forever):
            await asyncio.sleep(1)
            async with candidate(kept, "a", priority=5).running(forever):
                await asyncio.sleep(1)
                (entry,) = await candidates_of(kept)
                assert entry.priority == 5
                removals = kept.count("remove a")
            # It goes with the process that wrote it last, and is back when the other one renews.
            assert kept.count("remove a") == removals + 1
            assert await kept.names() == []
            await asyncio.sleep(PERIOD_S)
            assert await kept.names() == ["a"]
            async with candidate(kept, "a").running(forever):
                await asyncio.sleep(PERIOD_S - 1)
                (entry,) = await candidates_of(kept)
                await kept.roster.write(entry, timeout=1)  # a renewal of the other one
            assert await kept.names() == ["a"]

    run_simulated(scene())


def test_what_fails_is_logged_once_and_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    forbidden = PermissionDeniedError("it takes the RBAC rule X")

    def said() -> list[str]:
        lines = [each.getMessage() for each in caplog.records if "roster" in each.getMessage()]
        caplog.clear()
        return lines

    async def scene() -> None:
        kept.trouble = LockUnavailableError("the server is away")
        elector = candidate(kept, "a")
        async with elector.running(forever):
            await asyncio.sleep(10 * PERIOD_S)
            assert elector.is_leader()
            assert said() == ["memory reports: roster of candidates: enrolment failed: the server is away"]
            kept.trouble = forbidden
            await asyncio.sleep(10 * PERIOD_S)
            (line,) = said()
            assert "RBAC rule X; in all, candidates=True takes {" in line
            assert '"verbs": ["create", "patch", "delete", "list"]' in line
            kept.trouble = None
            await asyncio.sleep(2 * PERIOD_S)
            assert await kept.names() == ["a"]
            assert said() == []
            kept.trouble = forbidden
            await asyncio.sleep(2 * PERIOD_S)
            assert len(said()) == 1
            assert elector.is_leader()
        assert said() == []  # what it could not take out, it has told already

    with caplog.at_level(logging.WARNING, logger="tenure"):
        run_simulated(scene())


def test_the_end_waits_two_seconds_for_the_store_and_no_longer() -> None:
    kept = Kept()

    async def scene() -> None:
        elector = candidate(kept, "a")
        async with elector.running(forever):
            await asyncio.sleep(1)
            kept.hangs = True
            ends = true_time()
        assert true_time() - ends == pytest.approx(2)
        async with elector.running(forever):
            await asyncio.sleep(1)  # it hangs from the beginning
            assert elector.is_leader()
            ends = true_time()
        assert true_time() - ends == pytest.approx(2)

    run_simulated(scene())


def test_an_entry_whose_answer_was_lost_is_taken_out() -> None:
    kept = Kept()

    async def scene() -> None:
        async with candidate(kept, "a").running(forever):
            await asyncio.sleep(PERIOD_S / 2)
            kept.hangs = True
            await asyncio.sleep(PERIOD_S)
            (entry,) = await kept.roster.list(timeout=1)
            await kept.roster.write(entry, timeout=1)  # it arrived late
            kept.hangs = False
        assert await kept.names() == []

    run_simulated(scene())


def test_a_cancelled_elector_is_out_of_the_roster() -> None:
    kept = Kept()

    async def scene() -> None:
        running = asyncio.create_task(candidate(kept, "a").run(forever))
        await asyncio.sleep(1)
        assert await kept.names() == ["a"]
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await kept.names() == []

    run_simulated(scene())


def test_one_that_is_cancelled_while_it_leaves_still_leaves() -> None:
    kept = Kept()

    async def scene() -> None:
        running = asyncio.create_task(candidate(kept, "a").run(forever))
        await asyncio.sleep(1)
        kept.hangs = True
        running.cancel()
        await asyncio.sleep(1)
        running.cancel()
        began = true_time()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert true_time() - began == pytest.approx(1)

    run_simulated(scene())


def test_a_lock_without_a_roster_is_refused_when_it_is_used() -> None:
    elector = candidate(FaultyLock(MemoryLock()).seen_by("a"), "a")

    async def work(term: Term) -> None:
        raise AssertionError("it must not lead")

    with pytest.raises(ConfigurationError, match="leave candidates=True out"):
        run_simulated(elector.run(work))


def test_threads_are_in_the_roster_and_so_is_who_works_in_memory_for_development(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TENURE_LOCK", "memory")
    elector = blocking.LeaderElector("reports", identity="a", candidates=True)
    lock = elector._elector.lock

    def is_listed() -> bool:
        return [each.identity for each in asyncio.run(candidates_of(lock))] == ["a"]

    with elector.running(lambda term: term.wait_ending()):
        wait_until(is_listed)
    assert not is_listed()


def test_a_forked_child_that_exits_leaves_its_parents_entry_alone(tenure_devserver: RunningDevServer) -> None:
    program = """
    async def body(term):
        while not await candidates_of(elector.lock):
            await asyncio.sleep(0.01)
        if (pid := os.fork()) == 0:
            sys.exit(7)
        say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        say([each.identity for each in await candidates_of(elector.lock)])
    from tenure.locks.roster import candidates_of
    elector = LeaderElector(lock(), identity="a", candidates=True)
    asyncio.run(elector.run(body))
    """
    with child(program, tenure_devserver.kubeconfig) as process:
        assert process.says() == "7"
        assert process.says() == "['a']"
        assert process.ends() == 0, process.errors
    deletions = [each for each in tenure_devserver.server.requests if each.method == "DELETE"]
    assert len(deletions) == 1
