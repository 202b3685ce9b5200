"""Chronicle: what truly happened in one election, for checks that trust nothing that a core says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from tenure.events import Elected, Event
from tenure.record import Attempt, Record, Versioned
from tenure.requests import Purpose, Request, WriteRequest
from tenure.testing.world import Candidate, Change, Observer

__all__ = ["Acquisition", "Chronicle"]


class Sighting(NamedTuple):
    """The newest that a candidate has received of one holder: when (its own clock), and its duration."""

    version: int
    attempt: Attempt | None
    at: float
    lease_duration: float


# By the holder's incarnation (its name, where it leaves none) and the object's uid.
Sightings = dict[tuple[str, str], Sighting]


@dataclass(frozen=True, eq=False)
class Acquisition:
    """One accepted write that begins a term, or could have.

    Attributes:
        candidate: whose it was.
        after: what it stored.
        sent_at: when it was sent; seconds of its candidate's clock.
        sightings: what its candidate knew of other holders then.
    """

    candidate: Candidate
    after: Versioned
    sent_at: float
    sightings: Sightings

    def waited_for(self, other: Acquisition) -> bool:
        """Tell whether its candidate had waited out another term, as far as it knew of it (rule 4)."""
        seen = self.sightings.get(_key(other.after))
        delay = self.candidate.timing.takeover_delay
        return seen is None or self.sent_at >= seen.at + delay(seen.lease_duration) - 1e-6


class Chronicle(Observer):
    """Keeps the facts of one election.

    Attributes:
        renewed_at: by candidate, when the newest of its accepted writes was sent; seconds of its clock.
        acquisitions: by candidate, its newest accepted write that can begin a term.
        terms: by candidate, the acquisition of its last term.
        displacements: by uid, what gave the object another holder, oldest first; changes are those of hands
            that meddle.
        author: whose write the record shows now; None: a hand's, or there is no record.
        woke_at: by candidate, when its process was last woken; true time, seconds.
    """

    def __init__(self) -> None:
        self.renewed_at: dict[Candidate, float] = {}
        self.acquisitions: dict[Candidate, Acquisition] = {}
        self.terms: dict[Candidate, Acquisition] = {}
        self.displacements: dict[str, list[Acquisition | Change]] = {}
        self.author: Candidate | None = None
        self.woke_at: dict[Candidate, float] = {}
        self._sent: dict[tuple[Candidate, int], tuple[float, Sightings]] = {}
        self._sightings: dict[Candidate, Sightings] = {}

    def now(self, candidate: Candidate) -> float:
        """Return what a candidate's clock shows."""
        return candidate.clock.local(self.world.now)

    def sent(self, candidate: Candidate, request: Request) -> None:
        if isinstance(request, WriteRequest):
            acquires = request.purpose is Purpose.ACQUIRE
            known = dict(self._sightings.get(candidate, {})) if acquires else {}
            self._sent[candidate, request.attempt.number] = self.now(candidate), known

    def changed(self, change: Change) -> None:
        if change.author is None or change.request is None:
            if _key(change.before) != _key(change.after):
                self.author = None
                self.displacements.setdefault(change.after.uid, []).append(change)
            return
        self.author = change.author
        sent_at, known = self._sent.pop((change.author, change.request.attempt.number))
        if change.request.purpose is Purpose.RELEASE:
            return
        self.renewed_at[change.author] = max(sent_at, self.renewed_at.get(change.author, -math.inf))
        if change.request.purpose is Purpose.ACQUIRE:
            acquisition = Acquisition(change.author, change.after, sent_at, known)
            self.acquisitions[change.author] = acquisition
            self.displacements.setdefault(change.after.uid, []).append(acquisition)

    def learned(self, candidate: Candidate, seen: Versioned) -> None:
        record = seen.record
        if not isinstance(record, Record) or not record.holder:
            return
        sightings = self._sightings.setdefault(candidate, {})
        key = _key(seen)
        known = sightings.get(key)
        if known is None or (seen.version > known.version and record.attempt != known.attempt):
            lease = record.lease_duration or candidate.timing.lease_duration
            sightings[key] = Sighting(seen.version, record.attempt, self.now(candidate), lease)

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected) and candidate in self.acquisitions:
            self.terms[candidate] = self.acquisitions[candidate]

    def woke(self, candidate: Candidate) -> None:
        self.woke_at[candidate] = self.world.now


def _key(seen: Versioned) -> tuple[str, str]:
    record = seen.record
    if not isinstance(record, Record):
        return "", seen.uid
    return record.attempt.incarnation if record.attempt and record.holder else record.holder, seen.uid
