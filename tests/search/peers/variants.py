"""Variants: acceptors and proposers that are weaker than those of production, one difference each."""

from __future__ import annotations

import math
from typing import Self

from tenure.peer.acceptor import Acceptor, Answer
from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.messages import Accept, Held, Nack, Prepare, Promise, Propose, Released
from tenure.peer.proposer import Proposer, Round


class PublishedAcceptor(Acceptor):
    """As PaxosLease was published: it accepts all that is not below its promise, which it leaves as it is."""

    __slots__ = ()

    def _prepare(self, ballot: Ballot, now: float) -> tuple[Self, Answer]:
        if ballot < self.promised:
            return self, Nack(ballot, self.promised.round)
        after = self._replace(promised=ballot)
        if self._is_held(ballot):
            return after, Held(ballot, self.accepted_until - now)
        return after, Promise(ballot)

    def _is_held(self, ballot: Ballot) -> bool:
        return self.accepted is not None

    def _accept(self, proposal: Propose, now: float) -> tuple[Self, Answer]:
        if proposal.ballot < self.promised:
            return self, Nack(proposal.ballot, self.promised.round)
        after = self._replace(accepted=proposal.ballot, accepted_until=now + proposal.lease)
        return after, Accept(proposal.ballot)

    def _release(self, ballot: Ballot) -> tuple[Self, Answer]:
        return (self._without_lease() if self.accepted == ballot else self), Released(ballot)


class ExtendingAcceptor(PublishedAcceptor):
    """As PaxosLease was published, with extension: what a proposer holds itself is free for it."""

    __slots__ = ()

    def _is_held(self, ballot: Ballot) -> bool:
        return self.accepted is not None and self.accepted.proposer != ballot.proposer


class RaisingAcceptor(ExtendingAcceptor):
    """It accepts all that is not below its promise, and has promised it then."""

    __slots__ = ()

    def _accept(self, proposal: Propose, now: float) -> tuple[Self, Answer]:
        after, answer = super()._accept(proposal, now)
        return (after._replace(promised=proposal.ballot) if isinstance(answer, Accept) else after), answer


class AnyIncarnationAcceptor(Acceptor):
    """It accepts what it has promised, but does not ask whether that was before it restarted."""

    __slots__ = ()

    def _accept(self, proposal: Propose, now: float) -> tuple[Self, Answer]:
        anyhow = Propose(proposal.ballot, proposal.lease, self.incarnation)
        return super()._accept(anyhow, now)


class NotBelowAcceptor(Acceptor):
    """It accepts all that is not below its promise, if its sender has a promise of the present start."""

    __slots__ = ()

    def _accept(self, proposal: Propose, now: float) -> tuple[Self, Answer]:
        if proposal.ballot.round < self.promised.round:
            return self, Nack(proposal.ballot, self.promised.round)
        return self._replace(promised=proposal.ballot)._accept_promised(proposal, now)

    def _accept_promised(self, proposal: Propose, now: float) -> tuple[Self, Answer]:
        return super()._accept(proposal, now)


class FrivolousAcceptor(Acceptor):
    """It grants leases longer than it will be silent after a restart."""

    __slots__ = ()

    def _accept(self, proposal: Propose, now: float) -> tuple[Self, Answer]:
        return self._replace(longest_grant=proposal.lease)._accept_within(proposal, now, self.longest_grant)

    def _accept_within(self, proposal: Propose, now: float, longest_grant: float) -> tuple[Self, Answer]:
        after, answer = super()._accept(proposal, now)
        return after._replace(longest_grant=longest_grant), answer


class LooseReleaseAcceptor(Acceptor):
    """A release frees whatever the same proposer holds, also what it has got later."""

    __slots__ = ()

    def _release(self, ballot: Ballot) -> tuple[Self, Answer]:
        is_its = self.accepted is not None and self.accepted.proposer == ballot.proposer
        return (self._without_lease() if is_its else self), Released(ballot)


class TieBreakingAcceptor(Acceptor):
    """Of two ballots with one round the proposer decides which is higher."""

    __slots__ = ()

    def _prepare(self, ballot: Ballot, now: float) -> tuple[Self, Answer]:
        if self.accepted is not None and self.accepted.proposer != ballot.proposer:
            return self, Held(ballot, self.accepted_until - now)
        if ballot < self.promised:
            return self, Nack(ballot, self.promised.round)
        return self._replace(promised=ballot), Promise(ballot)


class PromisingHeldAcceptor(Acceptor):
    """Where the lease is held it promises all the same."""

    __slots__ = ()

    def _prepare(self, ballot: Ballot, now: float) -> tuple[Self, Answer]:
        after, answer = self._without_lease()._as_acceptor_prepare(ballot, now)
        after = after._replace(accepted=self.accepted, accepted_until=self.accepted_until)
        if isinstance(answer, Promise) and self.accepted and self.accepted.proposer != ballot.proposer:
            answer = Held(ballot, self.accepted_until - now)
        return after, answer

    def _as_acceptor_prepare(self, ballot: Ballot, now: float) -> tuple[Self, Answer]:
        return super()._prepare(ballot, now)


class HastyAcceptor(Acceptor):
    """It forgets what it has granted a tick too early."""

    __slots__ = ()

    def _accept(self, proposal: Propose, now: float) -> tuple[Self, Answer]:
        after, answer = super()._accept(proposal, now)
        return after._replace(accepted_until=after.accepted_until - 1), answer


class OverstayingProposer(Proposer):
    """It takes itself for the owner a tick too long."""

    __slots__ = ()

    def owns(self, now: float, validity: float) -> bool:
        return super().owns(now, validity + 1)


class LateCountingProposer(Proposer):
    """It counts from the sending of PROPOSE."""

    __slots__ = ()

    def prepare(self, now: float, floor: int = 0) -> tuple[Self, Prepare]:
        after, demand = super().prepare(now, floor)
        return after._replace(round=Round(demand.ballot, math.inf)), demand

    def receive(
        self, voter: str, incarnation: bytes, answer: Answer, now: float, electorate: Electorate
    ) -> tuple[Self, tuple[tuple[str, Propose], ...]]:
        after, proposals = super().receive(voter, incarnation, answer, now, electorate)
        if proposals and after.round is not None:
            after = after._replace(round=after.round._replace(began_at=now))
        return after, proposals


class CredulousProposer(Proposer):
    """It counts whoever accepts, in whatever incarnation."""

    __slots__ = ()

    def receive(
        self, voter: str, incarnation: bytes, answer: Answer, now: float, electorate: Electorate
    ) -> tuple[Self, tuple[tuple[str, Propose], ...]]:
        if isinstance(answer, Accept) and self.round is not None:
            incarnation = dict(self.round.promised).get(voter, incarnation)
        return super().receive(voter, incarnation, answer, now, electorate)


class PublishedProposer(LateCountingProposer, CredulousProposer):
    """As PaxosLease was published: both of these, and it sends PROPOSE to all."""

    __slots__ = ()

    def _promised(
        self, current: Round, voter: str, incarnation: bytes, electorate: Electorate
    ) -> tuple[Self, tuple[tuple[str, Propose], ...]]:
        after, proposals = super()._promised(current, voter, incarnation, electorate)
        if not proposals or after.round is None:
            return after, proposals
        everyone = {**dict.fromkeys(electorate.everyone, b""), **dict(after.round.promised)}
        promised = tuple(sorted(everyone.items()))
        after = after._replace(round=after.round._replace(promised=promised))
        return after, tuple((name, Propose(current.ballot, self.lease, each)) for name, each in promised)


class BroadcastingProposer(PublishedProposer):
    """It sends PROPOSE to all, but counts from the sending of PREPARE."""

    __slots__ = ()

    def prepare(self, now: float, floor: int = 0) -> tuple[Self, Prepare]:
        return Proposer.prepare(self, now, floor)  # type: ignore[return-value]

    def receive(
        self, voter: str, incarnation: bytes, answer: Answer, now: float, electorate: Electorate
    ) -> tuple[Self, tuple[tuple[str, Propose], ...]]:
        return CredulousProposer.receive(self, voter, incarnation, answer, now, electorate)


class LateProposingProposer(Proposer):
    """It sends PROPOSE also to those whose promise comes after a majority's."""

    __slots__ = ()

    def _promised(
        self, current: Round, voter: str, incarnation: bytes, electorate: Electorate
    ) -> tuple[Self, tuple[tuple[str, Propose], ...]]:
        if not current.proposed:
            return super()._promised(current, voter, incarnation, electorate)
        if voter in dict(current.promised):
            return self, ()
        promised = tuple(sorted((*current.promised, (voter, incarnation))))
        proposal = Propose(current.ballot, self.lease, incarnation)
        return self._replace(round=current._replace(promised=promised)), ((voter, proposal),)
