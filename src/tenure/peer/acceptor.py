"""Acceptor: one voter's memory of what it has promised and granted.

Pure, and an immutable value: a step returns the acceptor after it, so that exhaustive search explores this
very code. It is the acceptor of PaxosLease, hardened for datagrams that are lost, repeated and overtaken, and
for acceptors that forget everything when they restart (docs/peers.md, "Why there is one leader"):

- it accepts only the ballot that it promised last, and only if it promised it since its last start;
- it is silent after a start until every lease that it may have granted before has run out;
- it gives a lease up early only for whom it granted it to, and never a later one than that was given back.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from tenure.peer.ballot import NO_BALLOT, Ballot
from tenure.peer.messages import Accept, Held, Nack, Prepare, Promise, Propose, Release, Released

__all__ = ["Acceptor", "Answer", "Demand"]

Demand = Prepare | Propose | Release
Answer = Promise | Held | Nack | Accept | Released


class Acceptor(NamedTuple):
    """What one voter remembers.

    Attributes:
        incarnation: of its process.
        silent_until: M after its start; boot time, seconds.
        longest_grant: the longest lease that it grants, in seconds: T(1+rho)+epsilon must not exceed M.
        epoch: of its electorate; it grants nothing to proposers of an earlier one.
        promised: the last ballot that it promised.
        accepted: the ballot that it has granted the lease to; None: to nobody.
        accepted_until: when that runs out; boot time, seconds.
    """

    incarnation: bytes
    silent_until: float
    longest_grant: float
    epoch: int = 0
    promised: Ballot = NO_BALLOT
    accepted: Ballot | None = None
    accepted_until: float = -math.inf

    def receive(self, demand: Demand, now: float, *, epoch: int) -> tuple[Self, Answer | None]:
        """Take in what a proposer wants.

        Args:
            demand: what it wants.
            now: boot time, seconds.
            epoch: of the proposer's electorate.

        Returns:
            the acceptor after it, and its answer; None: it is silent.
        """
        if now < self.silent_until or epoch < self.epoch:
            return self, None
        if self.accepted is not None and now >= self.accepted_until:
            # A lease that has run out is forgotten; what was promised never is.
            return self._without_lease().receive(demand, now, epoch=epoch)
        if isinstance(demand, Prepare):
            return self._prepare(demand.ballot, now)
        if isinstance(demand, Propose):
            return self._accept(demand, now)
        return self._release(demand.ballot)

    def recall(self, highest: int, now: float) -> Self:
        """Learn, while it is silent, the highest round that others know of: so that tokens go on rising.

        Best effort, and no part of what keeps leaders apart.
        """
        if now < self.silent_until and highest > self.promised.round:
            return self._replace(promised=Ballot(highest, b""))
        return self

    def _without_lease(self) -> Self:
        return self._replace(accepted=None, accepted_until=-math.inf)

    def _prepare(self, ballot: Ballot, now: float) -> tuple[Self, Answer]:
        if self.accepted is not None and self.accepted.proposer != ballot.proposer:
            # It could not be granted, so nothing is promised either: the holder goes on undisturbed.
            return self, Held(ballot, self.accepted_until - now)
        if ballot.round <= self.promised.round and ballot != self.promised:
            return self, Nack(ballot, self.promised.round)
        return self._replace(promised=ballot), Promise(ballot)

    def _accept(self, proposal: Propose, now: float) -> tuple[Self, Answer]:
        ballot = proposal.ballot
        is_promised = ballot == self.promised and proposal.incarnation == self.incarnation
        if not is_promised or proposal.lease > self.longest_grant:
            return self, Nack(ballot, self.promised.round)
        return self._replace(accepted=ballot, accepted_until=now + proposal.lease), Accept(ballot)

    def _release(self, ballot: Ballot) -> tuple[Self, Answer]:
        accepted = self.accepted
        # An earlier one too: extensions reach a majority, and not always the same.
        is_returned = accepted is not None and accepted.proposer == ballot.proposer
        if accepted is not None and is_returned and accepted.round <= ballot.round:
            return self._without_lease(), Released(ballot)
        return self, Released(ballot)
