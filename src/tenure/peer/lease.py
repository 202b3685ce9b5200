"""LeaderLease: this peer's part in granting the leader lease, and in getting it.

Pure. It connects the `Acceptor` and the `Proposer` with the voters, to whom it writes by name; one that is a
voter itself answers itself without a datagram.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from tenure.peer.acceptor import Acceptor, Answer, Demand
from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.messages import (
    Accept,
    Body,
    Envelope,
    Nack,
    Release,
    Released,
)
from tenure.peer.proposer import Proposer

__all__ = ["LeaderLease"]

_LEASES_UNTIL_RUN_OUT = 2  # from a PROPOSE: what comes late included


class LeaderLease:
    """One acceptor, if this peer is a voter, and one proposer.

    Args:
        identity: of this peer.
        incarnation: of its process.
        electorate: the voters.
        floor: returns what every new round is to be above.
        now: boot time, seconds.

    Attributes:
        electorate: the voters whose majority counts; the previous ones until the change is complete.
        proposer: this peer's own.
        acceptor: this peer's own; None: it is no voter.
        outbox: what is to be sent, to whom by name.
        changes_at: when the change of voters is complete, as far as is known; boot time, seconds.
    """

    def __init__(
        self, identity: str, incarnation: bytes, electorate: Electorate, floor: Callable[[], int], now: float
    ) -> None:
        self._identity = identity
        self._incarnation = incarnation
        self._floor = floor
        self.electorate = electorate
        self.proposer = Proposer(incarnation, electorate.lease)
        self.acceptor: Acceptor | None = None
        if identity in electorate.everyone:
            silent_until = now + electorate.longest_lease
            self.acceptor = Acceptor(
                incarnation, silent_until, electorate.longest_grant, epoch=electorate.epoch
            )
        self.outbox: deque[tuple[str, Body]] = deque()
        self._proposed: Ballot | None = None  # last: it may have been granted, whatever became of the try
        self._proposed_until = -math.inf
        self._returned: dict[Release, set[str]] = {}  # who has confirmed
        self._short: set[str] = set()  # voters that grant no lease as long as this peer's
        self._left = {identity}  # previous voters that are known to have left the epoch before
        self.changes_at = math.inf

    @property
    def highest(self) -> int:
        """The highest round that this peer knows of."""
        promised = self.acceptor.promised.round if self.acceptor else 0
        return max(self.proposer.highest, promised)

    def advance(self, now: float) -> None:
        """Let what has passed take effect."""
        if now >= self.changes_at:
            self.changes_at = math.inf
            self.electorate = self.electorate.alone()
        if now >= self._proposed_until:
            self._proposed = None

    # ---- as a candidate

    @property
    def is_trying(self) -> bool:
        """Whether a try is under way."""
        return self.proposer.round is not None

    @property
    def may_be_granted(self) -> bool:
        """Whether somebody may have granted, or may yet grant, what this peer has asked for."""
        return self._proposed is not None

    @property
    def is_hopeless(self) -> bool:
        """Whether the try that is under way cannot succeed any more."""
        return self.proposer.is_hopeless(self.electorate)

    @property
    def short(self) -> str:
        """The names of the voters that have refused to grant a lease as long as this peer's."""
        return ", ".join(sorted(self._short))

    @property
    def silent(self) -> str:
        """The names of the voters that have not answered the try under way."""
        return ", ".join(name for name, _ in self.proposer.unanswered(self.electorate))

    def begin(self, now: float) -> None:
        """Try to get the lease, or to extend it."""
        self._returned = {}
        self.proposer, prepare = self.proposer.prepare(now, self._floor())
        self._ask_all(prepare, now)

    def abandon(self) -> float:
        """End the try that is under way; return until when somebody else holds the lease, as voters say."""
        held_until = self.proposer.round.held_until if self.proposer.round else -math.inf
        self.proposer = self.proposer.abandon()
        return held_until

    def disown(self) -> None:
        """Own nothing from here on, and tell nobody: it runs out by itself."""
        self.proposer, _ = self.proposer.release()
        self._proposed = None

    def release(self, now: float) -> None:
        """Give the lease back, and whatever may have been granted; nothing is owned from here on."""
        self.proposer, releases = self.proposer.release()
        if self._proposed is not None:
            # A try that ran out may have been granted all the same, later than what is owned.
            releases = (*releases, Release(self._proposed))
            self._proposed = None
        self._returned = {release: set() for release in releases}
        for release in self._returned:
            self._ask_all(release, now)

    def ask_again(self, now: float) -> None:
        """Send again what voters have not answered yet: a datagram may be lost."""
        for name, demand in self.proposer.unanswered(self.electorate):
            self._ask(name, demand, now)
        for release, names in self._returned.items():
            for name in self.electorate.everyone:
                if name not in names:
                    self._ask(name, release, now)

    @property
    def is_returned(self) -> bool:
        """Whether enough voters have confirmed all that was given back."""
        return all(self.electorate.is_majority(names) for names in self._returned.values())

    # ---- what comes in

    def hear(self, envelope: Envelope, now: float) -> None:
        """Take in what every message tells: how far others have come."""
        self.proposer = self.proposer.learn(envelope.highest)
        if self.acceptor is not None:
            self.acceptor = self.acceptor.recall(envelope.highest, now)
        if self.electorate.previous and envelope.epoch >= self.electorate.epoch:
            self._left.add(envelope.sender)
            if self.changes_at == math.inf and self.electorate.has_left(self._left):
                # What was granted in the epoch before has run out by then.
                self.changes_at = now + self.electorate.longest_lease

    def decide(self, envelope: Envelope, demand: Demand, now: float) -> Answer | None:
        """Return what this peer answers as a voter; None: nothing."""
        if self.acceptor is None:
            return None
        self.acceptor, answer = self.acceptor.receive(demand, now, epoch=envelope.epoch)
        return answer

    def receive(self, voter: str, incarnation: bytes, answer: Answer, now: float) -> None:
        """Take in what a voter answers."""
        if isinstance(answer, Released):
            release = Release(answer.ballot)
            if release in self._returned:
                self._returned[release].add(voter)
            return
        self._note_length(voter, answer)
        self.proposer, proposals = self.proposer.receive(voter, incarnation, answer, now, self.electorate)
        for name, proposal in proposals:
            self._proposed, self._proposed_until = (
                proposal.ballot,
                now + _LEASES_UNTIL_RUN_OUT * proposal.lease,
            )
            self._ask(name, proposal, now)

    def _note_length(self, voter: str, answer: Answer) -> None:
        if isinstance(answer, Accept):
            self._short.discard(voter)
        elif isinstance(answer, Nack) and self.proposer.is_promised(voter, answer.ballot, answer.round):
            self._short.add(voter)

    def _ask_all(self, demand: Demand, now: float) -> None:
        for name in self.electorate.everyone:
            if name != self._identity:
                self.outbox.append((name, demand))
        # Last: what it answers itself may already lead to more.
        if self._identity in self.electorate.everyone:
            self._ask(self._identity, demand, now)

    def _ask(self, name: str, demand: Demand, now: float) -> None:
        if name != self._identity:
            self.outbox.append((name, demand))
        elif self.acceptor is not None:
            self.acceptor, answer = self.acceptor.receive(demand, now, epoch=self.electorate.epoch)
            if answer is not None:
                self.receive(name, self._incarnation, answer, now)
