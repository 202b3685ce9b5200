"""LeaderLease: one acceptor and one proposer, what they ask of voters, and the change of voters."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.lease import LeaderLease
from tenure.peer.messages import (
    Accept,
    Body,
    Envelope,
    Held,
    Nack,
    Ping,
    Prepare,
    Promise,
    Propose,
    Release,
    Released,
)

T, M = 2.0, 2.5
ABC = Electorate(voters=("a", "b", "c"))
JOINT = Electorate(voters=("a", "b", "c", "d", "e"), previous=("a", "b", "c"), epoch=1)


def lease_of(name: str, electorate: Electorate = ABC, *, now: float = -M, floor: int = 0) -> LeaderLease:
    """Return one whose silence is over at 0."""
    return LeaderLease(name, incarnation_of(name), electorate, lambda: floor, now)


def incarnation_of(name: str) -> bytes:
    return name.encode() * 16


def said_by(name: str, body: Body | None = None, *, epoch: int = 0, highest: int = 0) -> Envelope:
    return Envelope(
        sender=name,
        incarnation=incarnation_of(name),
        epoch=epoch,
        highest=highest,
        priority=0,
        eligible=True,
        body=body or Ping(1),
    )


def drained(lease: LeaderLease) -> list[tuple[str, Body]]:
    sent = list(lease.outbox)
    lease.outbox.clear()
    return sent


def answer(lease: LeaderLease, kind: type[Promise | Accept], voters: str, now: float = 0.0) -> None:
    current = lease.proposer.round
    assert current is not None
    for name in voters:
        lease.receive(name, incarnation_of(name), kind(current.ballot), now)


def win(lease: LeaderLease, voters: str, now: float = 0.0) -> Ballot:
    lease.begin(now)
    answer(lease, Promise, voters, now)
    answer(lease, Accept, voters, now)
    owned = lease.proposer.owned
    assert owned is not None
    drained(lease)
    return owned


def names(sent: Iterable[tuple[str, Body]], kind: type[Body]) -> list[str]:
    return [name for name, body in sent if isinstance(body, kind)]


# ---- a try


def test_a_voter_answers_itself_without_a_datagram() -> None:
    lease = lease_of("a")
    lease.begin(0.0)
    assert names(drained(lease), Prepare) == ["b", "c"]
    answer(lease, Promise, "b")
    assert names(drained(lease), Propose) == ["b"]
    assert lease.may_be_granted
    answer(lease, Accept, "b")
    assert lease.proposer.owned == Ballot(1, incarnation_of("a"))
    assert not lease.is_trying


def test_a_candidate_without_a_vote_asks_all_voters() -> None:
    lease = lease_of("x")
    assert lease.acceptor is None
    assert lease.decide(said_by("a"), Prepare(Ballot(1, b"a")), 0.0) is None
    lease.begin(0.0)
    assert names(drained(lease), Prepare) == ["a", "b", "c"]
    answer(lease, Promise, "bc")
    assert names(drained(lease), Propose) == ["b", "c"]


def test_rounds_are_above_the_floor_and_above_all_that_is_known() -> None:
    lease = lease_of("a", floor=1000)
    assert win(lease, "b").round == 1001
    lease.hear(said_by("b", highest=5000), 0.0)
    assert win(lease, "b").round == 5001
    assert lease.highest == 5001


def test_what_is_not_answered_is_sent_again_and_nothing_else() -> None:
    lease = lease_of("x", JOINT)
    lease.begin(0.0)
    drained(lease)
    answer(lease, Promise, "a")
    lease.receive("b", incarnation_of("b"), Nack(Ballot(1, incarnation_of("x")), 0), 0.0)
    lease.ask_again(0.1)
    assert drained(lease) == [(name, Prepare(Ballot(1, incarnation_of("x")))) for name in "cde"]
    answer(lease, Promise, "cd")
    assert names(drained(lease), Propose) == ["a", "c", "d"]
    answer(lease, Accept, "c")
    lease.ask_again(0.2)
    sent = drained(lease)
    assert sent == [(name, Propose(Ballot(1, incarnation_of("x")), T, incarnation_of(name))) for name in "ad"]
    answer(lease, Accept, "ad")
    lease.ask_again(0.3)
    assert drained(lease) == []


def test_a_voter_that_was_silent_is_asked_by_itself_again() -> None:
    lease = lease_of("a", now=0.0)
    lease.begin(M - 0.1)
    answer(lease, Promise, "b", M - 0.1)
    assert not lease.may_be_granted
    lease.ask_again(M)
    assert lease.may_be_granted


def test_a_try_that_is_refused_is_hopeless_and_tells_how_long_another_holds_the_lease() -> None:
    lease = lease_of("x")
    lease.begin(0.0)
    lease.receive("a", incarnation_of("a"), Held(Ballot(1, incarnation_of("x")), 1.5), 0.1)
    assert not lease.is_hopeless
    lease.receive("b", incarnation_of("b"), Held(Ballot(1, incarnation_of("x")), 1.0), 0.2)
    assert lease.is_hopeless
    assert lease.abandon() == pytest.approx(1.6)
    assert lease.abandon() == -float("inf")


# ---- giving it back


def test_what_is_given_back_is_asked_for_until_a_majority_has_confirmed_it() -> None:
    lease = lease_of("x")
    owned = win(lease, "ab")
    lease.release(1.0)
    assert lease.proposer.owned is None
    assert drained(lease) == [(name, Release(owned)) for name in "abc"]
    lease.receive("c", incarnation_of("c"), Released(owned), 1.0)
    lease.receive("x", incarnation_of("x"), Released(owned), 1.0)  # no voter
    assert not lease.is_returned
    lease.ask_again(1.1)
    assert drained(lease) == [(name, Release(owned)) for name in "ab"]
    lease.receive("a", incarnation_of("a"), Released(owned), 1.2)
    assert lease.is_returned


def test_an_extension_that_may_have_been_granted_is_given_back_as_well() -> None:
    lease = lease_of("x")
    owned = win(lease, "ab")
    lease.begin(0.5)
    answer(lease, Promise, "ab", 0.5)
    drained(lease)
    lease.release(0.6)
    extension = Ballot(owned.round + 1, owned.proposer)
    assert drained(lease) == [(name, Release(ballot)) for ballot in (owned, extension) for name in "abc"]
    for name in "ab":
        lease.receive(name, incarnation_of(name), Released(owned), 0.7)
    assert not lease.is_returned
    for name in "bc":
        lease.receive(name, incarnation_of(name), Released(extension), 0.7)
    assert lease.is_returned


def test_an_extension_that_ran_out_and_may_have_been_granted_is_given_back_as_well() -> None:
    lease = lease_of("x")
    owned = win(lease, "ab")
    lease.begin(0.5)
    answer(lease, Promise, "ab", 0.5)
    lease.abandon()
    lease.begin(0.7)
    drained(lease)
    lease.release(0.8)
    extension = Ballot(owned.round + 1, owned.proposer)
    assert drained(lease) == [(name, Release(ballot)) for ballot in (owned, extension) for name in "abc"]


def test_what_was_asked_for_long_ago_has_run_out() -> None:
    lease = lease_of("x")
    lease.begin(0.0)
    answer(lease, Promise, "ab")
    lease.abandon()
    lease.advance(2 * T - 0.1)
    assert lease.may_be_granted
    lease.advance(2 * T)
    assert not lease.may_be_granted


def test_who_owns_nothing_gives_nothing_back() -> None:
    lease = lease_of("x")
    lease.release(0.0)
    assert lease.is_returned
    assert drained(lease) == []


def test_a_new_try_ends_the_asking_for_what_was_given_back_before() -> None:
    lease = lease_of("x")
    win(lease, "ab")
    lease.release(1.0)
    lease.begin(1.5)
    drained(lease)
    lease.ask_again(1.6)
    assert names(drained(lease), Release) == []


# ---- a change of voters


def test_while_the_voters_change_both_majorities_are_needed() -> None:
    lease = lease_of("x", JOINT)
    lease.begin(0.0)
    answer(lease, Promise, "ade")
    assert not lease.may_be_granted  # a majority of five, but not of the three before
    answer(lease, Promise, "b")
    assert lease.may_be_granted


def test_the_change_is_complete_a_longest_lease_after_a_majority_of_those_before_has_left() -> None:
    lease = lease_of("d", JOINT)
    for name in "ace":
        lease.hear(said_by(name, epoch=0), 1.0)
    lease.hear(said_by("e", epoch=1), 1.0)
    lease.hear(said_by("a", epoch=1), 2.0)
    assert lease.changes_at == float("inf")
    lease.hear(said_by("c", epoch=1), 3.0)
    assert lease.changes_at == 3.0 + M
    lease.hear(said_by("b", epoch=1), 4.0)
    lease.advance(3.0 + M - 0.1)
    assert lease.electorate == JOINT
    lease.advance(3.0 + M)
    assert lease.electorate == JOINT.alone()
    assert lease.changes_at == float("inf")


def test_who_voted_before_counts_itself_among_those_that_have_left() -> None:
    lease = lease_of("a", JOINT)
    lease.hear(said_by("b", epoch=1), 1.0)
    assert lease.changes_at == 1.0 + M


def test_a_proposer_of_an_earlier_epoch_is_not_answered() -> None:
    lease = lease_of("a", JOINT)
    demand = Prepare(Ballot(1, incarnation_of("b")))
    assert lease.decide(said_by("b", epoch=0), demand, 0.0) is None
    assert lease.decide(said_by("b", epoch=1), demand, 0.0) == Promise(demand.ballot)


def test_who_will_vote_no_more_votes_until_the_change_is_complete() -> None:
    leaving = Electorate(voters=("b", "c", "d"), previous=("a", "b", "c"), epoch=1)
    lease = lease_of("a", leaving)
    demand = Prepare(Ballot(1, incarnation_of("b")))
    assert lease.decide(said_by("b", epoch=1), demand, 0.0) == Promise(demand.ballot)
    assert lease_of("a", leaving.alone()).acceptor is None
