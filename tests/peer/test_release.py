"""What a leader gives back, and what voters make of it: also those that an extension did not reach."""

from __future__ import annotations

from tenure.peer.acceptor import Acceptor
from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.messages import Accept, Held, Prepare, Promise, Propose, Release, Released
from tenure.peer.proposer import Proposer

T = 2.0
ME, OTHER = b"me", b"other"
VOTERS = Electorate(voters=("a", "b", "c"))


def acceptor_that_granted(round_: int) -> Acceptor:
    ballot = Ballot(round_, ME)
    acceptor = Acceptor(b"voter", silent_until=0.0, longest_grant=T)
    acceptor, _ = acceptor.receive(Prepare(ballot), 1.0, epoch=0)
    acceptor, answer = acceptor.receive(Propose(ballot, T, b"voter"), 1.0, epoch=0)
    assert answer == Accept(ballot)
    return acceptor


def is_free_for_another(acceptor: Acceptor) -> bool:
    _, answer = acceptor.receive(Prepare(Ballot(99, OTHER)), 1.5, epoch=0)
    assert isinstance(answer, Held | Promise)
    return isinstance(answer, Promise)


def test_a_voter_that_an_extension_did_not_reach_frees_the_earlier_ballot() -> None:
    acceptor = acceptor_that_granted(3)
    assert not is_free_for_another(acceptor)
    acceptor, answer = acceptor.receive(Release(Ballot(5, ME)), 1.2, epoch=0)
    assert answer == Released(Ballot(5, ME))
    assert is_free_for_another(acceptor)


def test_a_late_release_frees_no_later_ballot_and_nobody_elses() -> None:
    acceptor = acceptor_that_granted(3)
    for ballot in (Ballot(2, ME), Ballot(5, OTHER)):
        after, answer = acceptor.receive(Release(ballot), 1.2, epoch=0)
        assert after == acceptor
        assert answer == Released(ballot)


def granted(proposer: Proposer, now: float, voters: tuple[str, ...]) -> Proposer:
    """Return the proposer after a try that these voters answer, with PROPOSE as far as they are enough."""
    proposer, prepare = proposer.prepare(now)
    proposals: tuple[tuple[str, Propose], ...] = ()
    for voter in voters:
        proposer, sent = proposer.receive(voter, b"", Promise(prepare.ballot), now, VOTERS)
        proposals += sent
    for voter, proposal in proposals:
        proposer, _ = proposer.receive(voter, b"", Accept(proposal.ballot), now, VOTERS)
    return proposer


def test_a_leader_gives_back_what_an_extension_under_way_may_have_been_granted() -> None:
    leader = granted(Proposer(ME, T), 1.0, ("a", "b"))
    assert leader.owned == Ballot(1, ME)
    leader, prepare = leader.prepare(1.5)
    for voter in ("a", "b"):
        leader, _ = leader.receive(voter, b"", Promise(prepare.ballot), 1.5, VOTERS)
    leader, releases = leader.release()
    assert Release(prepare.ballot) in releases
    assert leader.owned is None


def test_what_is_asked_for_later_is_not_given_back() -> None:
    leader, releases = granted(Proposer(ME, T), 1.0, ("a", "b")).release()
    [release] = releases
    again = granted(leader, 2.0, ("a", "b"))
    assert again.owned is not None
    assert again.owned.round > release.ballot.round


def test_who_was_granted_nothing_has_nothing_to_give_back() -> None:
    proposer, _ = Proposer(ME, T).prepare(1.0)
    assert proposer.release()[1] == ()
