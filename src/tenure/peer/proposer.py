"""Proposer: how one candidate gets the leader lease from a majority, extends it, and gives it back.

Pure, and an immutable value like the `Acceptor`. It counts from the sending of PREPARE, before any acceptor
can have begun to count, and what it proposes goes only to those acceptors whose promise it has, in the
incarnation that gave it.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from tenure.peer.acceptor import Answer
from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.messages import Accept, Held, Nack, Prepare, Promise, Propose, Release

__all__ = ["Proposer", "Round"]


class Round(NamedTuple):
    """One try, from its PREPARE to its majority.

    Attributes:
        ballot: that it tries.
        began_at: when its PREPARE was sent; boot time, seconds.
        promised: the acceptors that have promised, with the incarnation that did.
        proposed: whether PROPOSE was sent, to exactly these.
        accepted: the acceptors that have accepted.
        refused: the acceptors that will do neither.
        held_until: when the longest lease of another ends, as they tell; boot time, seconds.
    """

    ballot: Ballot
    began_at: float
    promised: tuple[tuple[str, bytes], ...] = ()
    proposed: bool = False
    accepted: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    held_until: float = -math.inf


class Proposer(NamedTuple):
    """What one candidate remembers of its tries and of its lease.

    Attributes:
        incarnation: of its process.
        lease: T, seconds.
        highest: the highest round that it knows of, its own included.
        round: the try that is under way; None: there is none.
        owned: the ballot of its lease; None: it has none. It may have run out.
        since: when the PREPARE of that ballot was sent; boot time, seconds.
    """

    incarnation: bytes
    lease: float
    highest: int = 0
    round: Round | None = None
    owned: Ballot | None = None
    since: float = -math.inf

    def owns(self, now: float, validity: float) -> bool:
        """Tell whether it owns the lease, which counts for `validity` seconds from its PREPARE."""
        return self.owned is not None and now < self.since + validity

    def prepare(self, now: float, floor: int = 0) -> tuple[Self, Prepare]:
        """Begin a try, to get the lease or to extend it; whatever was under way is abandoned.

        Args:
            now: boot time, seconds.
            floor: the round is to be above this.

        Returns:
            the proposer after it, and what every voter is to be sent.
        """
        ballot = Ballot(max(self.highest, floor) + 1, self.incarnation)
        return self._replace(highest=ballot.round, round=Round(ballot, now)), Prepare(ballot)

    def receive(
        self, voter: str, incarnation: bytes, answer: Answer, now: float, electorate: Electorate
    ) -> tuple[Self, tuple[tuple[str, Propose], ...]]:
        """Take in what an acceptor answers.

        Args:
            voter: its name.
            incarnation: its own.
            answer: what it says.
            now: boot time, seconds.
            electorate: whose majority is needed.

        Returns:
            the proposer after it, and what is to be sent to whom.
        """
        current = self.round
        if current is None or voter not in electorate.everyone or answer.ballot != current.ballot:
            return self, ()
        if now >= current.began_at + self.lease:
            return self.abandon(), ()
        if isinstance(answer, Promise):
            return self._promised(current, voter, incarnation, electorate)
        if isinstance(answer, Accept):
            return self._accepted(current, voter, incarnation, electorate), ()
        return self._refused(current, voter, answer, now), ()

    def unanswered(self, electorate: Electorate) -> tuple[tuple[str, Prepare | Propose], ...]:
        """Return what is to be sent again, and to whom, since a datagram may be lost."""
        current = self.round
        if current is None:
            return ()
        asked: tuple[tuple[str, Prepare | Propose], ...]
        if current.proposed:
            asked, answered = self._proposals(current), current.accepted
        else:
            asked = tuple((voter, Prepare(current.ballot)) for voter in electorate.everyone)
            answered = frozenset(voter for voter, _ in current.promised)
        return tuple(each for each in asked if each[0] not in answered | current.refused)

    def is_hopeless(self, electorate: Electorate) -> bool:
        """Tell whether the try that is under way cannot succeed any more."""
        if self.round is None:
            return False
        asked = [voter for voter, _ in self.round.promised] if self.round.proposed else electorate.everyone
        return not electorate.is_majority([name for name in asked if name not in self.round.refused])

    def is_promised(self, voter: str, ballot: Ballot, highest: int) -> bool:
        """Tell whether a voter's last promise, of round `highest`, is still that of the try under way."""
        current = self.round
        if current is None or ballot != current.ballot or not current.proposed:
            return False
        return highest == ballot.round and voter in dict(current.promised)

    def abandon(self) -> Self:
        """End the try that is under way; a lease that is owned stays."""
        return self._replace(round=None)

    def learn(self, highest: int) -> Self:
        """Know of a round of somebody else's."""
        return self._replace(highest=highest) if highest > self.highest else self

    def release(self) -> tuple[Self, tuple[Release, ...]]:
        """Own nothing from now on.

        Returns:
            the proposer after it, and what every voter is to be sent: an extension under way may have been
            accepted here and there, and is cancelled first.
        """
        ballots = [self.owned] if self.owned is not None else []
        if self.round is not None and self.round.proposed:
            ballots.append(self.round.ballot)
        after = self._replace(owned=None, since=-math.inf, round=None)
        return after, tuple(Release(ballot) for ballot in ballots)

    def _promised(
        self, current: Round, voter: str, incarnation: bytes, electorate: Electorate
    ) -> tuple[Self, tuple[tuple[str, Propose], ...]]:
        if current.proposed:
            return self, ()
        promised = {**dict(current.promised), voter: incarnation}
        current = current._replace(promised=tuple(sorted(promised.items())))
        if not electorate.is_majority(promised):
            return self._replace(round=current), ()
        return self._replace(round=current._replace(proposed=True)), self._proposals(current)

    def _proposals(self, current: Round) -> tuple[tuple[str, Propose], ...]:
        return tuple(
            (voter, Propose(current.ballot, self.lease, acceptor)) for voter, acceptor in current.promised
        )

    def _accepted(self, current: Round, voter: str, incarnation: bytes, electorate: Electorate) -> Self:
        if not current.proposed or (voter, incarnation) not in current.promised:
            return self
        current = current._replace(accepted=current.accepted | {voter})
        if not electorate.is_majority(current.accepted):
            return self._replace(round=current)
        return self._replace(round=None, owned=current.ballot, since=current.began_at)

    def _refused(self, current: Round, voter: str, answer: Answer, now: float) -> Self:
        proposer = self.learn(answer.round) if isinstance(answer, Nack) else self
        held_until = now + answer.remaining if isinstance(answer, Held) else -math.inf
        current = current._replace(
            refused=current.refused | {voter}, held_until=max(current.held_until, held_until)
        )
        return proposer._replace(round=current)
