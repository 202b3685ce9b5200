"""Acceptor: what one voter promises, grants and frees, and what it says."""

from __future__ import annotations

import math

import pytest

from tenure.peer.acceptor import Acceptor, Answer, Demand
from tenure.peer.ballot import NO_BALLOT, Ballot
from tenure.peer.messages import Accept, Held, Nack, Prepare, Promise, Propose, Release, Released

T, M = 2.0, 2.5
START = b"this start"
A1, A3, A5 = Ballot(1, b"a"), Ballot(3, b"a"), Ballot(5, b"a")
B3, B4 = Ballot(3, b"b"), Ballot(4, b"b")


def acceptor(**changed: object) -> Acceptor:
    """Return one that has been silent for long enough at 0."""
    return Acceptor(START, silent_until=0.0, longest_grant=T)._replace(**changed)


def told(
    before: Acceptor, *demands: Demand, now: float = 1.0, epoch: int = 0
) -> tuple[Acceptor, Answer | None]:
    """Return the acceptor after all these, and the last answer."""
    answer = None
    for demand in demands:
        before, answer = before.receive(demand, now, epoch=epoch)
    return before, answer


def granted(ballot: Ballot, now: float = 1.0) -> Acceptor:
    after, answer = told(acceptor(), Prepare(ballot), Propose(ballot, T, START), now=now)
    assert answer == Accept(ballot)
    return after


DEMANDS = [Prepare(A3), Propose(A3, T, START), Release(A3)]


@pytest.mark.parametrize("demand", DEMANDS, ids=repr)
def test_it_is_silent_until_all_that_it_may_have_granted_has_run_out(demand: Demand) -> None:
    silent = acceptor(silent_until=M)
    assert told(silent, demand, now=M - 0.01) == (silent, None)
    assert told(silent, demand, now=M)[1] is not None


@pytest.mark.parametrize("demand", DEMANDS, ids=repr)
def test_it_ignores_who_is_in_an_earlier_epoch(demand: Demand) -> None:
    ahead = acceptor(epoch=2)
    assert told(ahead, demand, epoch=1) == (ahead, None)
    for epoch in (2, 3):
        after, answer = told(ahead, demand, epoch=epoch)
        assert answer is not None
        assert after.epoch == 2


def test_it_promises_the_first_ballot_and_every_higher_one() -> None:
    after, answer = told(acceptor(), Prepare(A1))
    assert (after.promised, answer) == (A1, Promise(A1))
    after, answer = told(after, Prepare(B3))
    assert (after.promised, answer) == (B3, Promise(B3))


def test_it_promises_the_same_ballot_again_when_it_is_asked_again() -> None:
    after, _ = told(acceptor(), Prepare(A3))
    assert told(after, Prepare(A3)) == (after, Promise(A3))


@pytest.mark.parametrize("ballot", [A1, B3], ids=["lower", "as high, of another"])
def test_it_refuses_what_is_not_higher_than_its_promise(ballot: Ballot) -> None:
    after, _ = told(acceptor(), Prepare(A3))
    assert told(after, Prepare(ballot)) == (after, Nack(ballot, 3))


def test_it_grants_what_it_has_promised() -> None:
    after = granted(A3, now=1.0)
    assert (after.accepted, after.accepted_until, after.promised) == (A3, 1.0 + T, A3)


def test_it_counts_anew_when_it_is_asked_again() -> None:
    after, answer = told(granted(A3, now=1.0), Propose(A3, T, START), now=1.5)
    assert (answer, after.accepted_until) == (Accept(A3), 1.5 + T)


@pytest.mark.parametrize(
    "proposal",
    [
        Propose(A1, T, START),
        Propose(B4, T, START),
        Propose(B3, T, START),
        Propose(A3, T, b"an earlier start"),
        Propose(A3, T + 0.01, START),
    ],
    ids=["below the promise", "above it", "of another", "promised before a restart", "too long"],
)
def test_it_grants_nothing_else(proposal: Propose) -> None:
    after, _ = told(acceptor(), Prepare(A3))
    assert told(after, proposal) == (after, Nack(proposal.ballot, 3))


def test_it_has_promised_nothing_at_first() -> None:
    assert told(acceptor(), Propose(NO_BALLOT, T, b"another")) == (acceptor(), Nack(NO_BALLOT, 0))


def test_while_somebody_holds_the_lease_others_are_told_so_and_promised_nothing() -> None:
    held = granted(A3, now=1.0)
    assert told(held, Prepare(B4), now=1.5) == (held, Held(B4, T - 0.5))
    assert told(held, Prepare(Ballot(1, b"b")), now=1.5)[1] == Held(Ballot(1, b"b"), T - 0.5)


def test_whoever_holds_the_lease_may_extend_it() -> None:
    after, answer = told(granted(A3, now=1.0), Prepare(A5), now=1.5)
    assert answer == Promise(A5)
    assert (after.promised, after.accepted, after.accepted_until) == (A5, A3, 1.0 + T)
    after, answer = told(after, Propose(A5, T, START), now=1.6)
    assert (answer, after.accepted, after.accepted_until) == (Accept(A5), A5, 1.6 + T)


def test_whoever_holds_the_lease_needs_a_higher_ballot_too() -> None:
    held = granted(A3)
    assert told(held, Prepare(A1)) == (held, Nack(A1, 3))


def test_a_lease_that_has_run_out_is_free_for_all_and_the_promise_stays() -> None:
    held = granted(A3, now=1.0)
    assert isinstance(told(held, Prepare(B4), now=1.0 + T - 0.01)[1], Held)
    after, answer = told(held, Prepare(B4), now=1.0 + T)
    assert (answer, after.accepted, after.accepted_until) == (Promise(B4), None, -math.inf)
    after, answer = told(held, Prepare(Ballot(2, b"b")), now=1.0 + T)
    assert (answer, after.accepted, after.promised) == (Nack(Ballot(2, b"b"), 3), None, A3)


def test_a_lease_that_is_given_back_is_free_and_the_promise_stays() -> None:
    after, answer = told(granted(A3), Release(A3))
    assert (answer, after.accepted, after.accepted_until) == (Released(A3), None, -math.inf)
    assert told(after, Prepare(B3))[1] == Nack(B3, 3)
    assert told(after, Prepare(B4))[1] == Promise(B4)


@pytest.mark.parametrize(
    "ballot", [A1, B3, B4], ids=["an earlier one", "another's", "a later one of another"]
)
def test_it_frees_nothing_that_was_not_given_back(ballot: Ballot) -> None:
    held = granted(A3)
    assert told(held, Release(ballot)) == (held, Released(ballot))


def test_what_is_given_back_frees_earlier_ballots_of_the_same_proposer() -> None:
    assert told(granted(A3), Release(A5))[0].accepted is None


def test_a_release_where_nothing_is_held_changes_nothing() -> None:
    after, _ = told(acceptor(), Prepare(A3))
    assert told(after, Release(A3)) == (after, Released(A3))


def test_while_it_is_silent_it_learns_how_far_others_have_come() -> None:
    silent = acceptor(silent_until=M)
    assert silent.recall(7, M - 0.01).promised == Ballot(7, b"")
    assert silent.recall(7, M) == silent
    assert silent.recall(7, 0.0).recall(6, 0.0).promised.round == 7
    assert silent.recall(7, 0.0).recall(7, 0.0) == silent.recall(7, 0.0)


def test_what_it_has_learnt_counts_as_promised_to_nobody() -> None:
    after = acceptor(silent_until=0.5).recall(3, 0.0)
    assert told(after, Prepare(A3))[1] == Nack(A3, 3)
    assert told(after, Propose(A3, T, START))[1] == Nack(A3, 3)
    assert told(after, Prepare(B4))[1] == Promise(B4)
