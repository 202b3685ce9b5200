"""PeerChronicle: what truly happened among peers, as far as the checks need it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tenure.events import Elected, Event
from tenure.peer.ballot import Ballot
from tenure.peer.membership import Address
from tenure.peer.messages import Accept, Envelope, Prepare, Propose
from tenure.peer.registration import OnOutage
from tenure.record import Record, Versioned
from tenure.requests import Request
from tenure.testing.chronicle import Acquisition, Chronicle
from tenure.testing.peers.world import PeerObserver, seat_of
from tenure.testing.world import Candidate, Change

__all__ = ["PeerChronicle"]

_KEPT_BALLOTS = 1000
_NOTHING = Versioned(None, 0)


@dataclass(eq=False)
class _Try:
    """One ballot: whose it is, when its PREPARE was sent (by its clock), and which voters have accepted."""

    candidate: Candidate
    began_at: float
    accepted: set[str] = field(default_factory=set)


class PeerChronicle(Chronicle, PeerObserver):
    """Takes from the messages which ballots a majority has granted; of hybrid mode also what was written.

    While voters change it asks for a majority of the new ones alone; whether the old ones are asked shows in
    how many terms are valid at once.

    Attributes:
        renewed_at: by candidate, when the PREPARE of the newest ballot was sent that voters have granted.
        acquisitions: by candidate, the newest of these ballots, or of its writes in hybrid mode.

    Args:
        on_outage: of hybrid mode, where terms are numbered by what is written; None: peers alone.
    """

    def __init__(self, *, on_outage: OnOutage | None) -> None:
        super().__init__()
        self.on_outage = on_outage
        self._tries: dict[Ballot, _Try] = {}
        self._order = 0

    def posted(self, candidate: Candidate, address: Address, envelope: Envelope) -> None:
        body = envelope.body
        if isinstance(body, Prepare):
            if body.ballot not in self._tries:
                self._tries[body.ballot] = _Try(candidate, self.now(candidate))
                if len(self._tries) > 2 * _KEPT_BALLOTS:
                    self._tries = dict(list(self._tries.items())[-_KEPT_BALLOTS:])
        elif isinstance(body, Propose):
            # What a voter answers itself is not sent: at best it accepts.
            self._accept(body.ballot, candidate.identity)
        elif isinstance(body, Accept):
            self._accept(body.ballot, envelope.sender)

    def _accept(self, ballot: Ballot, voter: str) -> None:
        tried = self._tries.get(ballot)
        if tried is None:
            return
        voters = seat_of(tried.candidate).electorate.voters
        had = len(tried.accepted)
        tried.accepted |= {voter} & set(voters)
        if had <= len(voters) // 2 < len(tried.accepted):
            self._granted(ballot, tried)

    def _granted(self, ballot: Ballot, tried: _Try) -> None:
        candidate = tried.candidate
        self.renewed_at[candidate] = max(tried.began_at, self.renewed_at.get(candidate, tried.began_at))
        known = self.acquisitions.get(candidate)
        # One that was abandoned may be granted late: nobody lives by it.
        if self.on_outage is None and (known is None or ballot.round > known.after.version):
            record = Record(holder=candidate.identity)
            self._acquired(candidate, _NOTHING, Versioned(record, ballot.round), tried.began_at)

    def sent(self, candidate: Candidate, request: Request) -> None:
        """No lease depends on what is asked of the API."""

    def changed(self, change: Change) -> None:
        self.era += change.after.version < change.before.version
        if change.author is not None:
            sent_at = change.author.clock.local(change.sent_at)
            self._acquired(change.author, change.before, change.after, sent_at)

    def learned(self, candidate: Candidate, seen: Versioned) -> None:
        """Nor on what stands there."""

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected) and self.on_outage is not None and not event.token.version:
            # Without a token, as one that was before all others: no fence lets it through after them.
            self.terms[candidate] = Acquisition(candidate, _NOTHING, _NOTHING, self.now(candidate), {}, -1, 0)
        else:
            super().said(candidate, event)

    def _acquired(self, candidate: Candidate, before: Versioned, after: Versioned, sent_at: float) -> None:
        self._order += 1
        self.acquisitions[candidate] = Acquisition(
            candidate, before, after, sent_at, {}, self._order, self.era
        )
