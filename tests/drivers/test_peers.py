"""Electors among peers alone: the same names, outcomes and events as with a lock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from pathlib import Path

import pytest

from tenure import (
    FencingToken,
    LeaderElector,
    LeadershipLostError,
    MemoryLock,
    NotLeaderError,
    Term,
    blocking,
)
from tenure.events import (
    CampaignStarted,
    Elected,
    EndingReason,
    Event,
    LeaderChanged,
    LossReason,
    Lost,
    MemberAdded,
    MemberRemoved,
    Released,
    Renewed,
    TermEnding,
)
from tests.drivers.peers import BRISK, STEADY, Circle, Peer, leader_of, token_of
from tests.drivers.tools import Recorder, play, until


def outline(seen: Recorder) -> list[Event | str]:
    """Return what happened to the candidate, and who it said leads from its election on."""
    told: list[Event | str] = []
    elected = False
    for event in seen.events:
        elected = elected or isinstance(event, Elected)
        if isinstance(event, LeaderChanged):
            told += [event.leader] if elected and event.leader is not None else []
        elif isinstance(event, Elected):
            told.append("elected")
        elif not isinstance(event, Renewed | MemberAdded | MemberRemoved):
            told.append(event)
    return told


def test_events_come_in_the_order_in_which_a_lock_tells_them(tmp_path: Path) -> None:
    async def scene(peer: Peer) -> list[Event | str]:
        terms: list[Term] = []

        async def work(term: Term) -> str:
            terms.append(term)
            if len(terms) > 1:
                return "done"
            await until(lambda: peer.seen.seen(Renewed))
            peer.elector.resign()
            await term.wait_ending()
            return "given up"

        assert await peer.elector.run(work) == "done"
        assert terms[0].token < terms[1].token
        return outline(peer.seen)

    with_lock = play(scene(Peer(LeaderElector(MemoryLock(), identity="a", timing=STEADY))))
    alone = play(scene(Circle(tmp_path, "a", timing=STEADY).peer("a")))
    hybrid = play(scene(Circle(tmp_path, "a", lock=MemoryLock(), timing=STEADY).peer("a")))
    begun = [CampaignStarted(), "elected", "a"]
    ending = TermEnding(reason=EndingReason.GIVEN_UP)
    once_more = [*begun, Released(), ""]
    assert with_lock == alone == hybrid == [*begun, ending, Released(), "", *once_more]


def test_candidates_run_one_after_another(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path, "abcxyz", voters="abc")
        working: list[str] = []

        async def campaign(peer: Peer) -> FencingToken:
            async def work(term: Term) -> FencingToken:
                assert working == []
                working.append(peer.name)
                await asyncio.sleep(0.05)
                assert term.is_valid()
                assert peer.elector.is_leader()
                working.remove(peer.name)
                return term.token

            token = await peer.elector.run(work)
            assert peer.seen.seen(Released) == 1
            assert not peer.elector.is_leader()
            assert peer.elector.leader is None  # it does not listen any more
            return token

        async with circle.voting():
            tokens = await asyncio.gather(*(campaign(circle.peer(name)) for name in "xyz"))
        assert len({int(token) for token in tokens}) == 3
        assert {token.election for token in tokens} == {"default/reports"}

    play(scene())


def test_everybody_knows_the_leader_and_its_token_and_who_else_is_there(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path)
        peers = {name: circle.peer(name) for name in "abc"}
        async with circle.running(*peers.values()):
            leader = await leader_of(*peers.values())
            assert len({token_of(peer) for peer in peers.values()}) == 1
            for name, peer in peers.items():
                assert peer.elector.is_leader() is (peer is leader)
                await until(lambda peer=peer: peer.seen.seen(MemberAdded) == 2)
                added = {
                    each.member: each.address for each in peer.seen.events if isinstance(each, MemberAdded)
                }
                assert added == {other: circle.at[other] for other in "abc" if other != name}
            assert leader.elector.describe() == "peers default/reports"

    play(scene())


def test_one_that_leaves_is_missed_and_one_that_comes_back_is_there_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path)
        a, b, c = (circle.peer(name) for name in "abc")
        async with circle.running(a, b):
            async with circle.running(c):
                await leader_of(a, b, c)
                await until(lambda: a.seen.seen(MemberAdded) == 2)
            await until(lambda: MemberRemoved(member="c") in a.seen.events)
            async with circle.running(circle.peer("c")):
                again = MemberAdded(member="c", address=circle.at["c"])
                await until(lambda: a.seen.events.count(again) == 2)
        assert caplog.messages.count(f"peers default/reports: c is there, at {circle.at['c']}") >= 2
        assert "peers default/reports: c is gone" in caplog.messages

    with caplog.at_level(logging.INFO, "tenure"):
        play(scene())


def test_a_term_whose_majority_is_gone_is_lost(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path, "abcx", voters="abc")
        peer = circle.peer("x")
        voters = circle.voting()
        await voters.__aenter__()
        interrupted = False
        with pytest.raises(LeadershipLostError, match="ended first"):
            async with peer.elector.term() as term:
                await voters.__aexit__(None, None, None)
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    interrupted = True
                    assert not term.is_valid()
                    assert not peer.elector.is_leader()
                    raise
        assert interrupted
        assert Lost(reason=LossReason.RENEW_DEADLINE) in peer.seen.events

    play(scene())


def test_after_a_loss_it_campaigns_again_when_its_body_has_ended(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path, "abcx", voters="abc")
        peer = circle.peer("x")
        terms: list[Term] = []
        gate = asyncio.Event()

        async def work(term: Term) -> str:
            terms.append(term)
            if len(terms) > 1:
                return "second"
            gate.set()
            await asyncio.Event().wait()
            return "first"

        running = asyncio.create_task(peer.elector.run(work))
        async with circle.voting():
            await gate.wait()
        async with circle.voting():
            assert await running == "second"
        assert terms[0].token < terms[1].token
        assert [isinstance(each, Lost) for each in peer.seen.events].count(True) == 1

    play(scene())


def test_a_transfer_goes_to_its_heir_though_others_wait(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path, "abcde", timing=STEADY)
        peers = {name: circle.peer(name) for name in "abcde"}
        async with circle.running(*peers.values()):
            leader = await leader_of(*peers.values())
            heir = next(name for name in "edcba" if name != leader.name)
            with pytest.raises(NotLeaderError):
                peers[heir].elector.transfer(leader.name)
            leader.elector.transfer(heir)
            await until(lambda: peers[heir].elector.is_leader())
            ending = TermEnding(reason=EndingReason.GIVEN_UP, heir=heir)
            assert [each for each in leader.seen.events if isinstance(each, TermEnding)] == [ending]
            elected = [name for name, peer in peers.items() if peer.seen.seen(Elected)]
            assert elected == sorted([leader.name, heir])

    play(scene())


def test_who_resigns_lets_another_lead(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path, timing=STEADY)
        peers = [circle.peer(name) for name in "abc"]
        async with circle.running(*peers):
            first = await leader_of(*peers)
            token = token_of(first)
            first.elector.resign()
            await until(lambda: any(peer.elector.is_leader() for peer in peers if peer is not first))
            second = await leader_of(*peers)
            assert token_of(second) > token
            assert first.seen.seen(Lost) == 0

    play(scene())


def test_the_highest_priority_leads_and_preempts_if_it_is_to(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path)
        low = [circle.peer(name, priority=1, minimum_tenure=0.0) for name in "ab"]
        high = circle.peer("c", priority=2, preempt=True)
        async with circle.running(*low):
            first = await leader_of(*low)
            async with circle.running(high):
                await until(high.elector.is_leader)
                ending = TermEnding(reason=EndingReason.PREEMPTED, heir="c")
                assert ending in first.seen.events

    play(scene())


def test_who_is_not_eligible_does_not_lead_and_gives_its_term_up(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path)
        fit = {"a": True, "b": False, "c": False}
        peers = {name: circle.peer(name, eligible=lambda name=name: fit[name]) for name in "abc"}
        async with circle.running(*peers.values()):
            assert (await leader_of(*peers.values())).name == "a"
            fit.update(a=False, c=True)
            await until(peers["c"].elector.is_leader)
            assert TermEnding(reason=EndingReason.INELIGIBLE) in peers["a"].seen.events
            assert peers["b"].seen.seen(Elected) == 0

    play(scene())


def test_threads_lead_one_after_another(tmp_path: Path) -> None:
    circle = Circle(tmp_path, "abcxy", voters="abc")
    tokens: dict[str, FencingToken] = {}
    working: list[str] = []

    def work(name: str, term: blocking.Term) -> str:
        assert working == []
        working.append(name)
        assert not term.wait_ending(timeout=0.05)
        term.check()
        working.remove(name)
        tokens[name] = term.token
        return name

    def campaign(name: str) -> None:
        elector = blocking.LeaderElector(circle.peers(name), identity=name, timing=BRISK)
        done[name] = elector.run(lambda term: work(name, term), handle_signals=False)

    done: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        for name in "abc":
            voter = blocking.LeaderElector(
                circle.peers(name), identity=name, timing=BRISK, eligible=lambda: False
            )
            stack.enter_context(voter.running(lambda term: None))
        threads = [threading.Thread(target=campaign, args=(name,)) for name in "xy"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert done == {"x": "x", "y": "y"}
    assert tokens["x"] != tokens["y"]


def test_over_the_loopback_of_ipv6(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path, host="::1")
        peers = [circle.peer(name) for name in "abc"]
        async with circle.running(*peers):
            await leader_of(*peers)
            await until(lambda: peers[0].seen.seen(MemberAdded) == 2)
            assert MemberAdded(member="b", address=circle.at["b"]) in peers[0].seen.events

    play(scene())
