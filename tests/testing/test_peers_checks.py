"""Every check of peers complains when its sentence is broken, and not about the lawful case next to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenure.events import CampaignStarted, Elected, EndingReason, LossReason, Overrun, Renewed, TermEnding
from tenure.peer.messages import Leading, Ping, Release, Vacant
from tenure.testing.peers.group import default_electorate
from tenure.testing.world import Candidate
from tenure.token import FencingToken
from tests.testing.peer_theatre import PeerTheatre


@pytest.fixture
def theatre() -> PeerTheatre:
    return PeerTheatre()


@pytest.fixture
def peers(theatre: PeerTheatre) -> tuple[Candidate, ...]:
    return tuple(theatre.join(name) for name in "abcde")


Peers = tuple[Candidate, ...]


class TestOnePeerLeads:
    def test_two_at_once(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, c, d, _ = peers
        theatre.elect(a, b)
        theatre.wait(1)
        theatre.elect(d, b, c)
        assert theatre.kinds == ["two valid terms"]

    def test_one_after_the_other(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, c, d, _ = peers
        theatre.elect(a, b)
        theatre.wait(1)
        theatre.prepare(a)
        theatre.wait(1)
        theatre.lose(a)
        theatre.end_body(a)
        theatre.elect(d, b, c)
        assert not theatre.said

    def test_its_holders_clock_tells_how_long_a_term_is_valid(self, theatre: PeerTheatre) -> None:
        a, b, c = theatre.join("a", rate=0.7), theatre.join("b"), theatre.join("c")
        theatre.elect(a, b)
        theatre.wait(1)
        theatre.prepare(a)
        theatre.wait(1.2)
        theatre.elect(c, b)
        assert theatre.kinds == ["two valid terms"]

    def test_no_hand_at_the_record_excuses_it(self) -> None:
        theatre = PeerTheatre(on_outage="wait")
        a, b, c = (theatre.join(name) for name in "abc")
        theatre.say(a, CampaignStarted())
        theatre.grant(a, theatre.prepare(a), b)
        theatre.begin(a, theatre.register(a))
        theatre.world.delete()
        theatre.say(c, CampaignStarted())
        theatre.grant(c, theatre.prepare(c), b)
        theatre.begin(c, theatre.register(c))
        assert theatre.kinds == ["two valid terms"]


class TestCountsFromTheSending:
    def test_from_the_sending_of_prepare(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.say(a, CampaignStarted())
        ballot = theatre.prepare(a)
        theatre.wait(0.1)
        theatre.grant(a, ballot, b)
        theatre.begin(a, ballot.round)
        assert theatre.said == ["valid after s+D: a believes so for 0.100 s"]

    def test_of_a_ballot_that_a_majority_has_accepted(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.wait(1)
        theatre.extend(a)
        assert theatre.kinds == ["valid after s+D"]

    def test_a_voter_counts_once(self, theatre: PeerTheatre, peers: Peers) -> None:
        _, b, _, d, _ = peers
        theatre.elect(d, b, b)
        assert "valid after s+D" in theatre.kinds

    def test_who_has_no_vote_does_not_count(self, theatre: PeerTheatre, peers: Peers) -> None:
        _, b, _, d, e = peers
        theatre.elect(d, b, e)
        assert "valid after s+D" in theatre.kinds

    def test_five_voters_need_three(self) -> None:
        theatre = PeerTheatre(electorate=replace(default_electorate("abcde", 3.0)))
        a, b, c, *_ = (theatre.join(name) for name in "abcde")
        theatre.elect(a, b, c)
        assert not theatre.said
        theatre.wait(1)
        theatre.extend(a, b)
        assert theatre.kinds == ["valid after s+D"]

    def test_an_extension_comes_before_the_end(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.wait(1.9)
        theatre.extend(a, b)
        assert not theatre.said
        theatre.wait(2.1)
        theatre.say(a, Renewed(deadline=theatre.deadline(a), late_s=0.0))
        assert "revived after its end" in theatre.kinds


class TestSilentAfterTheEnd:
    def test_an_extension_is_asked_for_in_time(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.wait(1.9)
        theatre.prepare(a)
        assert not theatre.said
        theatre.wait(0.2)
        theatre.prepare(a)
        assert theatre.said == ["sent after the end: Prepare of a"]

    def test_who_has_ended_does_not_say_that_it_leads(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.send(a, Leading(1, 3.0))
        assert not theatre.said
        theatre.end_body(a)
        theatre.send(a, Leading(1, 3.0))
        assert theatre.said == ["sent after the end: Leading of a"]

    def test_nobody_says_so_during_a_campaign(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, *_ = peers
        theatre.say(a, CampaignStarted())
        theatre.prepare(a)
        theatre.send(a, Ping(1))
        assert not theatre.said
        theatre.send(a, Leading(1, 3.0))
        assert theatre.said == ["sent after the end: Leading of a"]

    def test_a_term_begins_while_it_is_valid(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.say(a, CampaignStarted())
        ballot = theatre.prepare(a)
        theatre.grant(a, ballot, b)
        theatre.wait(2.1)
        theatre.say(a, Elected(token=FencingToken(0, ballot.round), deadline=2.0))
        assert theatre.said == ["begun after its end: the term of a"]


class TestPeerBodiesEnd:
    def test_nothing_is_given_back_before(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        ballot = theatre.elect(a, b)
        theatre.end_body(a)
        theatre.send(a, Release(ballot), Vacant(""))
        assert not theatre.said
        ballot = theatre.elect(a, b)
        theatre.send(a, Release(ballot))
        assert theatre.said == ["freed while the body runs: by a"]

    def test_nor_is_it_told(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.send(a, Vacant(""))
        assert theatre.said == ["freed while the body runs: by a"]

    def test_the_hard_limit(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.prepare(a)
        theatre.wait(2.5)
        theatre.end_body(a)
        assert not theatre.said
        theatre.elect(a, b)
        theatre.wait(2.98)
        theatre.say(a, Overrun())
        assert theatre.kinds == ["past the hard limit"]

    def test_no_campaign_before(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.say(a, CampaignStarted())
        assert theatre.kinds == ["the old body runs"]


class TestKeptToTheEnd:
    def test_lost_when_it_is_over(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.wait(1)
        theatre.prepare(a)
        theatre.wait(1)
        theatre.lose(a)
        assert not theatre.said

    @pytest.mark.parametrize("reason", [LossReason.OTHER_HOLDER, LossReason.RENEW_DEADLINE])
    def test_lost_before(self, theatre: PeerTheatre, peers: Peers, reason: LossReason) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.wait(1)
        theatre.prepare(a)
        theatre.wait(0.5)
        theatre.lose(a, reason)
        assert theatre.said == [f"lost for nothing: a, {reason}, 0.500 s early"]

    def test_a_restored_record_misleads(self) -> None:
        theatre = PeerTheatre(on_outage="wait")
        a, b = theatre.join("a"), theatre.join("b")
        for _ in range(2):
            theatre.world.touch()
        theatre.say(b, CampaignStarted())
        theatre.grant(b, theatre.prepare(b), a)
        theatre.begin(b, theatre.register(b))
        theatre.end_body(b)
        theatre.world.restore(0)
        theatre.say(a, CampaignStarted())
        theatre.grant(a, theatre.prepare(a), b)
        theatre.begin(a, theatre.register(a))
        theatre.lose(a, LossReason.OTHER_HOLDER)
        assert not theatre.said

    def test_only_late_news_of_a_higher_token_misleads(self) -> None:
        theatre = PeerTheatre(on_outage="wait")
        a, b = theatre.join("a"), theatre.join("b")
        theatre.world.touch()
        theatre.world.restore(0)
        theatre.say(a, CampaignStarted())
        theatre.grant(a, theatre.prepare(a), b)
        theatre.begin(a, theatre.register(a))
        theatre.lose(a, LossReason.OTHER_HOLDER)
        assert theatre.kinds == ["lost for nothing"]

    def test_lost_untried_while_it_drains(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.say(a, TermEnding(reason=EndingReason.STOPPED, heir=""))
        theatre.wait(2)
        theatre.lose(a)
        assert theatre.said == ["lost untried: the term of a"]

    def test_a_process_that_stood_still_could_not_try(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.world.pause(a)
        theatre.wait(9)
        theatre.world.wake(a)
        theatre.lose(a)
        assert not theatre.said

    def test_a_body_that_took_too_long_was_not_to_be_kept(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b)
        theatre.wait(2)
        theatre.lose(a, LossReason.DRAIN_TIMEOUT)
        assert not theatre.said


class TestTokens:
    def test_it_is_the_round(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b, token=7)
        assert theatre.said == ["a token of its own making: 7, that of a"]

    def test_a_new_term_has_a_new_one(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        ballot = theatre.elect(a, b)
        theatre.end_body(a)
        theatre.say(a, CampaignStarted())
        theatre.begin(a, ballot.round)
        assert "a token of its own making" in theatre.kinds

    def test_rounds_rise(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, c, *_ = peers
        theatre.round = 10
        theatre.elect(a, b)
        theatre.end_body(a)
        theatre.round = 5
        theatre.elect(c, b)
        assert theatre.kinds == ["tokens do not rise"]

    def test_an_abandoned_ballot_that_is_granted_late_gives_none(
        self, theatre: PeerTheatre, peers: Peers
    ) -> None:
        a, b, *_ = peers
        theatre.say(a, CampaignStarted())
        abandoned, ballot = theatre.prepare(a), theatre.prepare(a)
        theatre.grant(a, ballot, b)
        theatre.grant(a, abandoned, b)
        theatre.begin(a, ballot.round)
        assert not theatre.said

    def test_in_hybrid_mode_it_is_the_version(self) -> None:
        theatre = PeerTheatre(on_outage="wait")
        a, b = theatre.join("a"), theatre.join("b")
        theatre.say(a, CampaignStarted())
        theatre.grant(a, theatre.prepare(a), b)
        version = theatre.register(a)
        theatre.world.touch()
        theatre.begin(a, version + 1)
        assert not theatre.said
        theatre.end_body(a)
        theatre.elect(a, b, token=version + 1)
        assert "a token of its own making" in theatre.kinds

    def test_in_hybrid_mode_there_is_none_before_the_write(self) -> None:
        theatre = PeerTheatre(on_outage="wait")
        a, b = theatre.join("a"), theatre.join("b")
        theatre.elect(a, b)
        assert theatre.kinds == ["a token of its own making"]

    def test_nor_is_there_one_that_the_record_never_had(self) -> None:
        theatre = PeerTheatre(on_outage="wait")
        a, b = theatre.join("a"), theatre.join("b")
        theatre.say(a, CampaignStarted())
        theatre.grant(a, theatre.prepare(a), b)
        theatre.begin(a, theatre.register(a) + 1)
        assert theatre.kinds == ["a token of its own making"]

    def test_nobody_leads_without_one_where_the_api_is_waited_for(self) -> None:
        theatre = PeerTheatre(on_outage="wait")
        a, b = theatre.join("a"), theatre.join("b")
        theatre.elect(a, b, token=0)
        assert theatre.kinds == ["a token of its own making"]

    def test_a_term_without_a_token_is_refused_by_fences(self) -> None:
        theatre = PeerTheatre(on_outage="elect")
        a, b, c = (theatre.join(name) for name in "abc")
        theatre.say(a, CampaignStarted())
        theatre.grant(a, theatre.prepare(a), b)
        theatre.begin(a, theatre.register(a))
        theatre.wait(1)
        theatre.end_body(a)
        theatre.elect(c, b, token=0)
        theatre.wait(1)
        assert not theatre.said
        assert (theatre.store.accepted, theatre.store.refused) == (1, 1)

    def test_alone_nobody_leads_without_a_token(self, theatre: PeerTheatre, peers: Peers) -> None:
        a, b, *_ = peers
        theatre.elect(a, b, token=0)
        assert theatre.kinds == ["a token of its own making"]
