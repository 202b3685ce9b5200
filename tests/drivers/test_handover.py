"""Terms that are handed over: resign, transfer, requests, priorities, eligibility; in threads too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from tenure import (
    ConfigurationError,
    LeaderElector,
    MemoryLock,
    NotLeaderError,
    PermissionDeniedError,
    Term,
    blocking,
)
from tenure.events import CampaignStarted, EligibilityChanged, EndingReason, Released, TermEnding
from tenure.handover import LONGEST_NAME
from tenure.testing.virtual_time import run_simulated
from tests.drivers.tools import (
    ROOMY,
    FaultyLock,
    Recorder,
    forever,
    holder_of,
    make,
    play,
    record_of,
    until,
    wait_until,
)


@asynccontextmanager
async def running(
    lock: MemoryLock, *names: str, **wishes: dict[str, Any]
) -> AsyncIterator[list[LeaderElector]]:
    """Let candidates campaign, the first of which leads."""
    electors = [LeaderElector(lock, identity=n, timing=ROOMY, **wishes.get(n, {})) for n in names]
    async with AsyncExitStack() as stack:
        for elector in electors:
            await stack.enter_async_context(elector.running(forever))
            await until(lambda: holder_of(lock))
        yield electors


def names_in(lock: MemoryLock) -> set[str]:
    """Return which contenders have made themselves known."""
    record = record_of(lock)
    return {each.identity for each in record.contenders} if record else set()


async def ask(lock: MemoryLock, to: str) -> None:
    """Write a request into the record, as somebody does who does not campaign."""
    async with lock.open() as session:
        seen = await session.read(timeout=1)
        record = record_of(lock)
        assert record is not None
        await session.replace(seen, replace(record, request=to), timeout=1)


def test_a_transfer_goes_to_its_heir_though_others_wait() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        async with running(lock, "a", "b", "c", "d") as (a, _, _, d):
            a.transfer("d")
            await until(d.is_leader)
            await until(lambda: a.leader == "d")

    play(scene())


def test_an_heir_that_may_not_watch_comes_in_time() -> None:
    memory = MemoryLock()
    lock = FaultyLock(memory)

    async def forbid(operation: str) -> None:
        if operation == "watch":
            raise PermissionDeniedError("watch leases is missing")

    async def scene() -> list[str]:
        lock.before = forbid
        electors = {name: LeaderElector(lock, identity=name) for name in "abcd"}
        heirs = []
        async with AsyncExitStack() as stack:
            for elector in electors.values():
                await stack.enter_async_context(elector.running(forever))
                await asyncio.sleep(0.7)
            for giver, heir in ("ab", "bc", "cd", "da", "ac"):
                await asyncio.sleep(21.3)
                electors[giver].transfer(heir)
                await asyncio.sleep(10)
                heirs.append(holder_of(memory))
        return heirs

    assert run_simulated(scene()) == ["b", "c", "d", "a", "c"]


def test_an_heir_can_be_named_while_the_term_drains() -> None:
    lock = MemoryLock()
    drained = asyncio.Event()

    async def drain(term: Term) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await drained.wait()

    async def scene() -> None:
        async with running(lock, "a") as (a,):
            wishes = {"priority": 1, "preempt": True, "timing": ROOMY}
            b = LeaderElector(lock, identity="b", minimum_tenure=0, timing=ROOMY)
            c = LeaderElector(lock, identity="c", timing=ROOMY)
            d = LeaderElector(lock, identity="d", timing=ROOMY)
            e = LeaderElector(lock, identity="e", **wishes)  # type: ignore[arg-type]
            told = Recorder()
            b.subscribe(told)
            async with b.running(drain):
                a.transfer("b")
                await until(b.is_leader)
                async with c.running(forever), d.running(forever):
                    b.resign()
                    await until(lambda: told.seen(TermEnding))
                    b.transfer("c")
                    await ask(lock, "d")
                    async with e.running(forever):
                        await until(lambda: names_in(lock) == {"e"})
                        drained.set()
                        await until(d.is_leader)
        endings = [each for each in told.events if isinstance(each, TermEnding)]
        assert endings == [TermEnding(reason=EndingReason.GIVEN_UP, heir="")]

    play(scene())


def test_the_log_says_why_a_term_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    lock = MemoryLock("reports")
    wishes = {"a": {"minimum_tenure": 0.0}, "c": {"priority": 1, "preempt": True}}
    caplog.set_level("INFO", "tenure")

    async def scene() -> None:
        async with running(lock, "a", "b", **wishes) as (a, b):
            b_leads = "memory reports: giving the term up for b: its program wants to; waiting for"
            a.transfer("b")
            await until(b.is_leader)
            assert b_leads in caplog.text
            await ask(lock, "a")
            await until(a.is_leader)
            assert "giving the term up for a: somebody asked for it in the record;" in caplog.text
            async with running(lock, "c", **wishes) as (c,):
                await until(c.is_leader)
                assert "giving the term up for c: a higher priority asked for it;" in caplog.text
        assert "giving the term up: this candidate stops;" in caplog.text

    play(scene())


def test_a_name_that_no_note_can_bear_has_no_priority() -> None:
    longest = "x" * LONGEST_NAME
    assert LeaderElector(MemoryLock(), identity=longest, priority=1).identity == longest
    assert LeaderElector(MemoryLock(), identity=longest + "x").identity == longest + "x"
    with pytest.raises(ConfigurationError, match="identity of at most 256 characters, not 257"):
        LeaderElector(MemoryLock(), identity=longest + "x", priority=1)


def test_an_heir_that_is_not_there_costs_no_more_than_a_moment() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        async with running(lock, "a", "b") as (a, b):
            a.transfer("nobody")
            await until(b.is_leader)

    play(scene())


def test_who_resigns_lets_another_lead_and_alone_leads_again() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        async with running(lock, "a") as (a,):
            terms = Recorder()
            a.subscribe(terms)
            a.resign()
            await until(lambda: terms.seen(CampaignStarted))
            await until(a.is_leader)
            async with running(lock, "b") as (b,):
                a.resign()
                await until(b.is_leader)

    play(scene())


def test_only_a_leader_can_give_a_term_up() -> None:
    lock = MemoryLock("reports")

    async def scene() -> None:
        async with running(lock, "a", "b") as (_, b):
            await until(lambda: b.leader)
            with pytest.raises(NotLeaderError, match="memory reports only, which 'b' is not; 'a' leads"):
                b.resign()
            with pytest.raises(NotLeaderError):
                b.transfer("c")
            with pytest.raises(ConfigurationError, match="another candidate, not 'b'"):
                b.transfer("b")
            with pytest.raises(ConfigurationError, match="not ''"):
                b.transfer("")

    play(scene())
    with pytest.raises(NotLeaderError, match="giving up the term is for the leader"):
        LeaderElector(lock).resign()


def test_a_request_in_the_record_moves_the_leadership() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        async with running(lock, "a", "b", "c") as (a, b, c):
            await ask(lock, "c")
            await until(c.is_leader)
            await ask(lock, "")
            await until(lambda: a.is_leader() or b.is_leader())

    play(scene())


def test_the_work_drains_before_the_next_leader_begins() -> None:
    lock = MemoryLock()
    story: list[str] = []

    async def work(term: Term) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            assert term.is_ending()
            assert term.is_valid()
            story.append("a drains")
            for _ in range(20):
                await asyncio.sleep(0.01)
                assert holder_of(lock) == "a"
            story.append("a has drained")
        return "never"

    async def next_work(term: Term) -> None:
        story.append("b begins")
        await asyncio.Event().wait()

    async def scene() -> None:
        a = LeaderElector(lock, identity="a", timing=ROOMY)
        b = LeaderElector(lock, identity="b", timing=ROOMY)
        async with a.running(work):
            await until(a.is_leader)
            async with b.running(next_work):
                a.transfer("b")
                await until(b.is_leader)
                await until(lambda: len(story) == 3)

    play(scene())
    assert story[:3] == ["a drains", "a has drained", "b begins"]


def test_work_that_returns_because_it_was_asked_to_end_is_run_again_in_the_next_term() -> None:
    elector, lock, seen = make(timing=ROOMY)
    terms: list[Term] = []

    async def work(term: Term) -> str:
        terms.append(term)
        if len(terms) > 1:
            return "finished"
        elector.resign()
        try:
            await term.wait_ending()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "only asked to end"
        raise AssertionError("it was not asked")

    assert play(elector.run(work)) == "finished"
    assert terms[0].token < terms[1].token
    assert seen.seen(Released) == 2
    assert holder_of(lock) == ""


def test_a_block_is_asked_to_end_and_not_interrupted() -> None:
    elector, lock, _ = make(timing=ROOMY)

    async def scene() -> None:
        async with elector.term() as term:
            elector.resign()
            assert await term.wait_ending()
            await asyncio.sleep(0)
            assert term.is_valid()
            assert holder_of(lock) == "a"
        assert holder_of(lock) == ""

    play(scene())


def test_the_highest_priority_takes_over_though_others_came_before() -> None:
    lock = MemoryLock()

    async def scene() -> None:
        wishes = {"c": {"priority": 5}, "e": {"priority": 9}}
        async with running(lock, "a", "b", "c", "d", "e", **wishes) as (a, _, _, _, e):
            await until(
                lambda: {c.identity for c in getattr(record_of(lock), "contenders", ())} == {"c", "e"}
            )
            a.resign()
            await until(e.is_leader)

    play(scene())


def test_a_higher_priority_that_preempts_is_handed_over_to() -> None:
    lock = MemoryLock()
    wishes = {"a": {"minimum_tenure": 0.0}, "b": {"priority": 1, "preempt": True}}

    async def scene() -> None:
        async with running(lock, "a", "b", **wishes) as (_, b):
            await until(b.is_leader)

    play(scene())


def test_who_is_not_eligible_does_not_campaign_and_gives_its_term_up() -> None:
    lock = MemoryLock()
    fit = {"a": True, "b": False}

    async def says(name: str) -> bool:
        return fit[name]

    async def scene() -> None:
        electors = {
            name: LeaderElector(lock, identity=name, timing=ROOMY, eligible=lambda name=name: says(name))  # type: ignore[misc]
            for name in "ab"
        }
        told = Recorder()
        electors["a"].subscribe(told)
        async with electors["b"].running(forever), electors["a"].running(forever):
            await until(electors["a"].is_leader)
            fit["a"] = False
            await until(lambda: holder_of(lock) == "")
            fit["b"] = True
            await until(electors["b"].is_leader)
        assert [e.eligible for e in told.events if isinstance(e, EligibilityChanged)] == [True, False]

    play(scene())


def test_a_plain_function_may_block_and_fail_and_is_told_of() -> None:
    lock = MemoryLock()
    threads: list[str] = []

    def eligible() -> bool:
        threads.append(threading.current_thread().name)
        if len(threads) < 2:
            raise OSError("the disk is gone")
        return True

    async def scene() -> None:
        elector = LeaderElector(lock, timing=ROOMY, eligible=eligible)
        told = Recorder()
        elector.subscribe(told)
        async with elector.running(forever):
            await until(elector.is_leader)
        answers = [each for each in told.events if isinstance(each, EligibilityChanged)]
        assert [each.eligible for each in answers] == [False, True]
        assert answers[0].reason == "OSError: the disk is gone"

    play(scene())
    assert threading.main_thread().name not in threads


def test_an_answer_that_does_not_come_is_no() -> None:
    lock = MemoryLock()

    async def never() -> bool:
        await asyncio.Event().wait()
        return True

    async def scene() -> None:
        elector = LeaderElector(lock, timing=ROOMY, eligible=never)
        told = Recorder()
        elector.subscribe(told)
        async with elector.running(forever):
            await until(lambda: told.seen(EligibilityChanged))
            assert not elector.is_leader()
            assert "no answer within 0.8 s" in str(told.events)

    play(scene())


def test_threads_resign_and_transfer_from_their_own_thread() -> None:
    lock = MemoryLock()
    terms: list[blocking.Term] = []
    elector = blocking.LeaderElector(lock, identity="a", timing=ROOMY)

    def work(term: blocking.Term) -> str:
        terms.append(term)
        if len(terms) == 1:
            elector.resign()
            assert term.wait_ending(timeout=30)
            return "only asked to end"
        elector.transfer("b")
        assert term.wait_ending(timeout=30)
        return "only asked to end"

    other = blocking.LeaderElector(lock, identity="b", timing=ROOMY)
    begun = threading.Event()

    def other_work(term: blocking.Term) -> None:
        begun.set()
        term.wait_ending()

    with elector.running(work):
        wait_until(lambda: len(terms) == 1)
        with other.running(other_work):
            assert begun.wait(30)
            assert other.is_leader()
            with pytest.raises(NotLeaderError):
                elector.resign()
