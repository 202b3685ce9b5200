"""`LeaderElector.run`: outcomes, loss, cancellation, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys

import pytest

from tenure import (
    ConfigurationError,
    LeaderElector,
    LeadershipLostError,
    LockUnavailableError,
    MemoryLock,
    PermissionDeniedError,
    Term,
)
from tenure.events import CampaignStarted, Elected, Lost, Released
from tenure.record import UnreadableRecord
from tests.drivers.tools import QUICK, FaultyLock, forever, holder_of, make, play, until


def test_result_is_returned_after_the_release() -> None:
    elector, lock, seen = make()

    async def work(term: Term) -> int:
        assert term.is_valid()
        assert elector.is_leader()
        assert elector.leader == "a"
        assert holder_of(lock) == "a"
        return 42

    assert play(elector.run(work)) == 42
    assert holder_of(lock) == ""
    assert seen.seen(Released) == 1
    assert not elector.is_leader()
    assert elector.leader is None


def test_error_of_the_work_is_raised_after_the_release() -> None:
    elector, lock, _ = make()

    async def work(term: Term) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        play(elector.run(work))
    assert holder_of(lock) == ""


def test_loss_cancels_the_body_and_campaigns_again() -> None:
    elector, lock, seen = make(timing=QUICK)
    terms: list[Term] = []

    async def work(term: Term) -> str:
        terms.append(term)
        if len(terms) > 1:
            return "second"
        lock.delete()
        await asyncio.Event().wait()
        raise AssertionError("it must be cancelled")

    assert play(elector.run(work)) == "second"
    assert seen.seen(Lost) == 1
    assert terms[0].is_ending()
    assert not terms[0].is_valid()
    assert terms[1].token > terms[0].token


@pytest.mark.parametrize("swallows", [True, False], ids=["swallowing", "returning"])
def test_result_of_a_body_that_outlived_its_term_counts_for_nothing(swallows: bool) -> None:
    elector, lock, seen = make(timing=QUICK)
    turns: list[Term] = []

    async def work(term: Term) -> str:
        turns.append(term)
        if len(turns) > 1:
            return "valid"
        lock.delete()
        if swallows:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            assert not term.is_valid()
            return "stale"
        assert await term.wait_ending()
        return "stale"

    assert play(elector.run(work)) == "valid"
    assert len(turns) == 2
    assert seen.seen(Lost) == 1


def test_no_campaign_begins_before_the_old_body_has_ended() -> None:
    elector, lock, seen = make(timing=QUICK)
    finish = asyncio.Event()
    bodies: list[str] = []

    async def work(term: Term) -> str:
        bodies.append("begun")
        if len(bodies) > 1:
            return "done"
        lock.delete()
        while not finish.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await finish.wait()
        bodies.append("ended")
        return "stale"

    async def scene() -> None:
        running = asyncio.create_task(elector.run(work))
        await until(lambda: seen.seen(Lost))
        other = LeaderElector(lock, identity="b", timing=QUICK)
        async with other.term():
            assert holder_of(lock) == "b"
            assert seen.seen(CampaignStarted) == 1
            assert bodies == ["begun"]
            finish.set()
            await until(lambda: seen.seen(CampaignStarted) == 2)
        assert await running == "done"
        assert bodies == ["begun", "ended", "begun"]

    play(scene())


def test_error_of_a_body_after_the_loss_is_raised() -> None:
    elector, lock, _ = make(timing=QUICK)

    async def work(term: Term) -> None:
        lock.delete()
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError("in the cleanup")

    with pytest.raises(LookupError):
        play(elector.run(work))


@pytest.mark.parametrize("grouped", [False, True], ids=["plain", "in a TaskGroup"])
def test_a_failed_check_is_a_loss_and_no_error_of_the_work(grouped: bool) -> None:
    elector, lock, seen = make(timing=QUICK)
    turns: list[Term] = []

    async def checker(term: Term) -> None:
        raise LeadershipLostError("as term.check says it")

    async def work(term: Term) -> str:
        turns.append(term)
        if len(turns) > 1:
            return "second"
        lock.delete()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        if grouped:
            async with asyncio.TaskGroup() as group:
                group.create_task(checker(term))
        term.check()
        return "stale"

    assert play(elector.run(work)) == "second"
    assert seen.seen(Lost) == 1


def test_a_check_that_wants_more_than_is_left_campaigns_again_without_haste() -> None:
    lock = FaultyLock(MemoryLock())
    elector, _, _ = make(lock, timing=QUICK)
    turns: list[Term] = []

    async def work(term: Term) -> str:
        turns.append(term)
        if len(turns) < 3:
            term.check(remaining_s=60)
        return "done"

    assert play(elector.run(work)) == "done"
    assert len(turns) == 3


def test_leadership_that_was_lost_elsewhere_is_an_error_of_the_work() -> None:
    elector, lock, _ = make()

    async def work(term: Term) -> None:
        raise LeadershipLostError("of another election")

    with pytest.raises(LeadershipLostError, match="of another election"):
        play(elector.run(work))
    assert holder_of(lock) == ""


def test_a_body_that_cancels_itself_does_not_campaign_for_ever() -> None:
    elector, lock, seen = make()

    async def work(term: Term) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        play(elector.run(work))
    assert holder_of(lock) == ""
    assert seen.seen(Elected) == 1


def test_lost_answer_of_the_acquire_is_found_by_reading() -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    elector, _, _ = make(lock)

    async def lose(operation: str) -> None:
        if operation == "create":
            raise LockUnavailableError("the answer was lost")

    lock.after = lose

    async def work(term: Term) -> str:
        return holder_of(memory)

    assert play(elector.run(work)) == "a"
    assert lock.calls.count("create") == 1


def test_synchronous_work_is_refused() -> None:
    elector, _, _ = make()

    def work(term: Term) -> None: ...

    with pytest.raises(TypeError, match=r"tenure\.blocking"):
        play(elector.run(work))  # type: ignore[arg-type]


def test_coroutine_functions_of_all_kinds_are_work() -> None:
    class Callable:
        async def __call__(self, term: Term) -> str:
            return "object"

        async def method(self, term: Term) -> str:
            return "method"

    async def add(extra: str, term: Term) -> str:
        return extra

    for work, result in [
        (Callable(), "object"),
        (Callable().method, "method"),
        (functools.partial(add, "partial"), "partial"),
    ]:
        elector, _, _ = make()
        assert play(elector.run(work)) == result


def test_second_use_at_the_same_time_is_an_error() -> None:
    elector, _, _ = make()

    async def scene() -> None:
        async with elector.term() as term:
            with pytest.raises(RuntimeError, match="in use"):
                await elector.run(forever)
            with pytest.raises(RuntimeError, match="in use"):
                async with elector.term():
                    pass
            with pytest.raises(RuntimeError, match="in use"):
                async with elector.running(forever):
                    pass
            assert term.is_valid()
            assert elector.is_leader()

    play(scene())


def test_elector_can_be_used_again_and_in_another_event_loop() -> None:
    elector, lock, _ = make()

    async def work(term: Term) -> int:
        return int(term.token)

    tokens = [play(elector.run(work)) for _ in range(3)]
    assert tokens == sorted(set(tokens))
    assert holder_of(lock) == ""


@pytest.mark.parametrize("error", [PermissionDeniedError("get leases is missing"), ConfigurationError("bad")])
def test_what_is_wrong_from_the_start_is_raised(error: Exception) -> None:
    lock = FaultyLock(MemoryLock())
    elector, _, _ = make(lock)

    async def refuse(operation: str) -> None:
        raise error

    lock.before = refuse
    with pytest.raises(type(error), match=str(error)):
        play(elector.run(forever))
    assert lock.sessions == 0


def test_election_by_other_rules_is_refused() -> None:
    lock = MemoryLock()
    lock.edit(UnreadableRecord("spec.strategy is set: somebody else elects here", refused=True))
    elector, _, _ = make(lock)
    with pytest.raises(ConfigurationError, match="strategy"):
        play(elector.run(forever))


def test_a_refusal_after_the_first_read_is_an_outage() -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    elector, _, _ = make(lock, timing=QUICK)
    refused = 0

    async def refuse(operation: str) -> None:
        nonlocal refused
        if operation == "create" and refused < 3:
            refused += 1
            raise PermissionDeniedError("create leases is missing")

    lock.before = refuse

    async def work(term: Term) -> str:
        return "led"

    assert play(elector.run(work)) == "led"
    assert refused == 3


def test_no_fault_of_the_store_leaves_run() -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    elector, _, seen = make(lock, timing=QUICK)
    turns: list[Term] = []

    async def work(term: Term) -> str:
        turns.append(term)
        if len(turns) > 1:
            return "again"
        lock.down.set()
        try:
            await asyncio.Event().wait()
        finally:
            assert not term.is_valid()
            asyncio.get_running_loop().call_later(0.3, lock.down.clear)
        return "never"

    lock.down.set()

    async def scene() -> str:
        asyncio.get_running_loop().call_later(0.3, lock.down.clear)
        return await elector.run(work)

    assert play(scene()) == "again"
    assert seen.seen(Lost) == 1


def test_fault_of_tenure_itself_counts_as_a_loss_and_is_raised() -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)
    elector, _, seen = make(lock, timing=QUICK)
    ended: list[bool] = []

    async def work(term: Term) -> None:
        async def break_it(operation: str) -> None:
            raise ZeroDivisionError("a bug")

        lock.before = break_it
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(term.is_valid())

    with pytest.raises(ZeroDivisionError):
        play(elector.run(work))
    assert ended == [False]
    assert seen.seen(Lost) == 1


def test_exit_of_the_work_ends_the_program_after_the_release() -> None:
    elector, lock, _ = make()

    async def work(term: Term) -> None:
        sys.exit(3)

    with pytest.raises(SystemExit) as caught:
        asyncio.run(elector.run(work))
    assert caught.value.code == 3
    assert holder_of(lock) == ""
