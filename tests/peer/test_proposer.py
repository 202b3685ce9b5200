"""Proposer: how a candidate gets the lease from a majority, extends it, and gives it back."""

from __future__ import annotations

import math

import pytest

from tenure.peer.acceptor import Answer
from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.messages import Accept, Held, Nack, Prepare, Promise, Propose, Release
from tenure.peer.proposer import Proposer

T = 2.0
ME = b"me"
ABC = Electorate(voters=("a", "b", "c"))
JOINT = Electorate(voters=("c", "d", "e"), previous=("a", "b", "c"), epoch=1)
FIRST, SECOND = Ballot(1, ME), Ballot(2, ME)
FRESH = Proposer(ME, T)


def start(voter: str) -> bytes:
    """Return the incarnation of a voter."""
    return f"start of {voter}".encode()


def hear(
    proposer: Proposer,
    answer: Answer,
    *voters: str,
    now: float = 10.5,
    electorate: Electorate = ABC,
) -> tuple[Proposer, tuple[tuple[str, Propose], ...]]:
    """Return the proposer after this answer of all of them, and what it sends after the last one."""
    sent: tuple[tuple[str, Propose], ...] = ()
    for voter in voters:
        proposer, sent = proposer.receive(voter, start(voter), answer, now, electorate)
    return proposer, sent


def trying(now: float = 10.0) -> Proposer:
    return FRESH.prepare(now)[0]


def proposed(now: float = 10.0) -> Proposer:
    return hear(trying(now), Promise(FIRST), "a", "b")[0]


def owner(now: float = 10.0) -> Proposer:
    return hear(proposed(now), Accept(FIRST), "a", "b")[0]


# ---- tries


def test_each_try_has_a_higher_round_than_all_that_is_known() -> None:
    proposer, prepare = FRESH.prepare(10.0)
    assert prepare == Prepare(FIRST)
    assert proposer.prepare(10.0)[1] == Prepare(SECOND)
    assert proposer.learn(7).prepare(10.0)[1] == Prepare(Ballot(8, ME))
    assert proposer.learn(7).learn(5).highest == 7
    after, prepare = proposer.prepare(10.0, floor=100)
    assert (prepare, after.highest) == (Prepare(Ballot(101, ME)), 101)


def test_a_try_ends_the_one_before_and_leaves_the_lease() -> None:
    extending, _ = owner(10.0).prepare(11.0)
    assert extending.round is not None
    assert (extending.round.ballot, extending.round.began_at, extending.round.promised) == (SECOND, 11.0, ())
    assert (extending.owned, extending.since) == (FIRST, 10.0)


def test_a_try_that_is_abandoned_leaves_the_lease() -> None:
    abandoned = owner().prepare(11.0)[0].abandon()
    assert (abandoned.round, abandoned.owned) == (None, FIRST)
    assert hear(abandoned, Promise(SECOND), "a", "b") == (abandoned, ())


# ---- promises


def test_with_the_promises_of_a_majority_exactly_these_are_asked_to_grant() -> None:
    proposer, sent = hear(trying(), Promise(FIRST), "b")
    assert sent == ()
    _, sent = hear(proposer, Promise(FIRST), "a")
    assert sent == (("a", Propose(FIRST, T, start("a"))), ("b", Propose(FIRST, T, start("b"))))


def test_a_promise_that_comes_later_is_not_used() -> None:
    assert hear(proposed(), Promise(FIRST), "c") == (proposed(), ())


def test_a_promise_counts_once_and_for_the_last_start_of_its_voter() -> None:
    proposer, sent = hear(trying(), Promise(FIRST), "a", "a")
    assert sent == ()
    proposer, sent = proposer.receive("a", b"another start", Promise(FIRST), 10.5, ABC)
    assert sent == ()
    _, sent = hear(proposer, Promise(FIRST), "b")
    assert dict(sent)["a"] == Propose(FIRST, T, b"another start")


def test_while_two_epochs_count_a_majority_of_both_is_needed() -> None:
    proposer, sent = hear(trying(), Promise(FIRST), "d", "e", "c", electorate=JOINT)
    assert sent == ()
    proposer, sent = hear(proposer, Promise(FIRST), "a", electorate=JOINT)
    assert [name for name, _ in sent] == ["a", "c", "d", "e"]
    proposer, _ = hear(proposer, Accept(FIRST), "d", "e", "c", electorate=JOINT)
    assert proposer.owned is None
    proposer, _ = hear(proposer, Accept(FIRST), "a", electorate=JOINT)
    assert proposer.owned == FIRST


# ---- what is ignored


@pytest.mark.parametrize(
    "answer", [Promise(FIRST), Accept(FIRST), Nack(FIRST, 9), Held(FIRST, 1.0)], ids=repr
)
def test_answers_without_a_try_are_ignored(answer: Answer) -> None:
    assert hear(FRESH, answer, "a", "b") == (FRESH, ())


@pytest.mark.parametrize("answer", [Promise(FIRST), Nack(FIRST, 9), Held(FIRST, 1.0)], ids=repr)
def test_whoever_is_no_voter_is_ignored(answer: Answer) -> None:
    assert hear(trying(), answer, "x", "y") == (trying(), ())


@pytest.mark.parametrize("ballot", [SECOND, Ballot(1, b"another")], ids=["another round", "of another"])
def test_answers_to_another_ballot_are_ignored(ballot: Ballot) -> None:
    for answer in (Promise(ballot), Nack(ballot, 9), Held(ballot, 1.0)):
        assert hear(trying(), answer, "a", "b") == (trying(), ())
    assert hear(proposed(), Accept(ballot), "a", "b") == (proposed(), ())


def test_an_answer_later_than_the_lease_would_last_ends_the_try() -> None:
    assert hear(trying(10.0), Promise(FIRST), "a", now=10.0 + T - 0.01)[0].round is not None
    assert hear(trying(10.0), Promise(FIRST), "a", now=10.0 + T) == (trying().abandon(), ())
    assert hear(proposed(10.0), Accept(FIRST), "a", "b", now=10.0 + T)[0] == proposed().abandon()


# ---- grants


def test_granted_by_a_majority_it_owns_the_lease_since_it_asked_first() -> None:
    proposer, _ = hear(proposed(10.0), Accept(FIRST), "a")
    assert proposer.owned is None
    proposer, sent = hear(proposer, Accept(FIRST), "b")
    assert (proposer.owned, proposer.since, proposer.round, sent) == (FIRST, 10.0, None, ())


def test_a_grant_counts_once() -> None:
    assert hear(proposed(), Accept(FIRST), "a", "a", "a")[0].owned is None


def test_a_grant_counts_only_of_whom_it_has_asked_and_in_the_same_start() -> None:
    assert hear(proposed(), Accept(FIRST), "c") == (proposed(), ())
    assert proposed().receive("a", b"another start", Accept(FIRST), 10.5, ABC) == (proposed(), ())
    one_promise, _ = hear(trying(), Promise(FIRST), "a")
    assert hear(one_promise, Accept(FIRST), "a") == (one_promise, ())


def test_it_owns_the_lease_for_as_long_as_is_said_and_no_longer() -> None:
    assert owner(10.0).owns(10.0 + 1.4, validity=1.5)
    assert not owner(10.0).owns(10.0 + 1.5, validity=1.5)
    assert not FRESH.owns(10.0, validity=math.inf)
    assert not proposed().owns(10.0, validity=math.inf)


def test_an_extension_counts_when_a_majority_has_granted_it() -> None:
    extending, _ = owner(10.0).prepare(11.0)
    extending, _ = hear(extending, Promise(SECOND), "b", "c", now=11.1)
    extending, _ = hear(extending, Accept(SECOND), "b", now=11.1)
    assert (extending.owned, extending.since) == (FIRST, 10.0)
    extending, _ = hear(extending, Accept(SECOND), "c", now=11.1)
    assert (extending.owned, extending.since) == (SECOND, 11.0)


# ---- refusals


def test_it_learns_from_a_refusal_how_far_others_have_come() -> None:
    proposer, sent = hear(trying(), Nack(FIRST, 9), "a")
    assert (proposer.highest, sent) == (9, ())
    assert hear(trying(), Nack(FIRST, 0), "a")[0].highest == 1


def test_it_remembers_how_long_another_holds_the_lease() -> None:
    proposer, _ = hear(trying(), Held(FIRST, 1.5), "a", now=10.5)
    proposer, _ = hear(proposer, Held(FIRST, 1.0), "b", now=10.6)
    assert proposer.round is not None
    assert proposer.round.held_until == 12.0
    assert proposer.highest == 1


def test_a_try_is_hopeless_when_no_majority_is_left() -> None:
    assert not FRESH.is_hopeless(ABC)
    assert not trying().is_hopeless(ABC)
    once, _ = hear(trying(), Nack(FIRST, 9), "a")
    assert not once.is_hopeless(ABC)
    assert hear(once, Held(FIRST, 1.0), "b")[0].is_hopeless(ABC)


def test_a_try_is_hopeless_when_one_of_those_asked_to_grant_refuses() -> None:
    assert not proposed().is_hopeless(ABC)
    assert not hear(proposed(), Nack(FIRST, 9), "c")[0].is_hopeless(ABC)
    assert hear(proposed(), Nack(FIRST, 9), "b")[0].is_hopeless(ABC)


# ---- what is sent again


def test_what_nobody_has_answered_is_sent_again() -> None:
    assert FRESH.unanswered(ABC) == ()
    everybody = tuple((voter, Prepare(FIRST)) for voter in "abc")
    assert trying().unanswered(ABC) == everybody
    assert hear(trying(), Promise(FIRST), "b")[0].unanswered(ABC) == (everybody[0], everybody[2])
    assert hear(trying(), Nack(FIRST, 9), "a")[0].unanswered(ABC) == everybody[1:]


def test_of_those_asked_to_grant_only_those_who_have_not_answered_are_asked_again() -> None:
    to_a, to_b = (("a", Propose(FIRST, T, start("a"))), ("b", Propose(FIRST, T, start("b"))))
    assert proposed().unanswered(ABC) == (to_a, to_b)
    assert hear(proposed(), Accept(FIRST), "a")[0].unanswered(ABC) == (to_b,)
    assert hear(proposed(), Nack(FIRST, 9), "b")[0].unanswered(ABC) == (to_a,)
    assert owner().unanswered(ABC) == ()


# ---- the end


def test_who_has_nothing_gives_nothing_back() -> None:
    assert FRESH.release() == (FRESH, ())
    assert trying().release() == (trying().abandon(), ())


def test_what_it_gives_back_it_owns_no_more() -> None:
    after, sent = owner(10.0).release()
    assert sent == (Release(FIRST),)
    assert (after.owned, after.since, after.round) == (None, -math.inf, None)
    assert after.highest == 1


def test_it_gives_back_what_may_have_been_granted_too_and_wants_it_no_more() -> None:
    extending, _ = hear(owner().prepare(11.0)[0], Promise(SECOND), "b", "c", now=11.1)
    after, sent = extending.release()
    assert sent == (Release(FIRST), Release(SECOND))
    assert hear(after, Accept(SECOND), "b", "c", now=11.2) == (after, ())
    assert proposed().release()[1] == (Release(FIRST),)
