"""Chronicle: what truly happened in one election, for checks that trust nothing that a core says."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from tenure.events import Elected, Event
from tenure.record import Attempt, Record, Versioned
from tenure.requests import Purpose, Request, WriteRequest
from tenure.testing.world import Candidate, Change, Observer

__all__ = ["Acquisition", "Chronicle"]

_KEPT_FACTS = 2000  # of which it is known who wrote them


class Sighting(NamedTuple):
    """The newest that a candidate has received of one holder: when (its own clock), and its duration."""

    essence: tuple[Attempt | None, datetime | None]
    at: float
    lease_duration: float


# By the holder and the object's uid.
Sightings = dict[tuple[str, str], Sighting]


@dataclass(frozen=True, eq=False)
class Acquisition:
    """One accepted write that begins a term, or could have.

    Attributes:
        candidate: whose it was.
        before: what it replaced.
        after: what it stored.
        sent_at: when it was sent; seconds of its candidate's clock.
        sightings: what its candidate knew of other holders then.
        order: a number that rises from one acquisition to the next.
        era: how often the store had been restored.
    """

    candidate: Candidate
    before: Versioned
    after: Versioned
    sent_at: float
    sightings: Sightings
    order: int
    era: int

    def early_s(self, held: Versioned) -> float:
        """Return how long before the end of a record's lease it was sent, in seconds (rule 2).

        Counted as its candidate knew it; 0 where it knew nothing of that holder.
        """
        seen = self.sightings.get(_key(held))
        if seen is None:
            return 0.0
        early_s = seen.at + self.candidate.timing.takeover_delay(seen.lease_duration) - self.sent_at
        return early_s if early_s > 1e-6 else 0.0

    def waited_for(self, other: Acquisition) -> bool:
        """Tell whether its candidate had waited out another term, as far as it knew of it (rule 4)."""
        return not self.early_s(other.after)


class Chronicle(Observer):
    """Keeps the facts of one election.

    Attributes:
        renewed_at: by candidate, when the newest of its accepted writes was sent; seconds of its clock.
        acquisitions: by candidate, its newest accepted write that can begin a term.
        terms: by candidate, the acquisition of its last term.
        displacements: what gave the record another holder, oldest first; changes are those of hands that
            meddle.
        author: whose write the record shows now; None: a hand's, or there is no record.
        previous_author: whose it showed before the last change.
        newest: by candidate, the newest fact that it knows of the record.
        woke_at: by candidate, when its process was last woken; true time, seconds.
        era: how often the store was restored.
    """

    def __init__(self) -> None:
        self.renewed_at: dict[Candidate, float] = {}
        self.acquisitions: dict[Candidate, Acquisition] = {}
        self.terms: dict[Candidate, Acquisition] = {}
        self.displacements: list[Acquisition | Change] = []
        self.author: Candidate | None = None
        self.previous_author: Candidate | None = None
        self.newest: dict[Candidate, Versioned] = {}
        self.woke_at: dict[Candidate, float] = {}
        self.era = 0
        self._written: dict[Any, tuple[Candidate | None, float]] = {}
        self._sent: dict[tuple[Candidate, int], tuple[float, Sightings]] = {}
        self._sightings: dict[Candidate, Sightings] = {}
        self._asked: dict[Candidate, Versioned | None] = {}  # what was known when the read under way was sent

    def now(self, candidate: Candidate) -> float:
        """Return what a candidate's clock shows."""
        return candidate.clock.local(self.world.now)

    def author_of(self, seen: Versioned) -> Candidate | None:
        """Return whose write a record shows; None: a hand's, or there is no record, or it is too old."""
        return self._written.get(seen.raw, (None, 0.0))[0]

    def sending_of(self, seen: Versioned, candidate: Candidate) -> float | None:
        """Return when a candidate sent the write that a record shows; None: it is not its own."""
        author, sent_at = self._written.get(seen.raw, (None, 0.0))
        return sent_at if author is candidate and seen.record is not None else None

    def sent(self, candidate: Candidate, request: Request) -> None:
        if isinstance(request, WriteRequest):
            acquires = request.purpose is Purpose.ACQUIRE
            known = dict(self._sightings.get(candidate, {})) if acquires else {}
            self._sent[candidate, request.attempt.number] = self.now(candidate), known
            self._asked.pop(candidate, None)
        else:
            self._asked[candidate] = self.newest.get(candidate)

    def changed(self, change: Change) -> None:
        self.previous_author = self.author
        sent_at = 0.0
        if change.author is not None and change.request is not None:
            sent_at = self._write(change, change.author, change.request)
        elif change.after.version < change.before.version:
            self.era += 1
            self.author, sent_at = self._written.get(change.after.raw, (None, 0.0))
            self.displacements.append(change)
        elif _essence(change.before) != _essence(change.after):
            self.author = None
            self.displacements.append(change)
        else:
            sent_at = self._written.get(change.before.raw, (None, 0.0))[1]
        self._written[change.after.raw] = self.author, sent_at
        if len(self._written) > 2 * _KEPT_FACTS:
            self._written = dict(list(self._written.items())[-_KEPT_FACTS:])

    def _write(self, change: Change, author: Candidate, request: WriteRequest) -> float:
        """Note a candidate's own write; return when it was sent."""
        self.author = author
        sent_at, known = self._sent.pop((author, request.attempt.number), (change.sent_at, {}))
        if request.purpose is not Purpose.RELEASE:
            self.renewed_at[author] = max(sent_at, self.renewed_at.get(author, -math.inf))
        if request.purpose is Purpose.ACQUIRE:
            order = len(self.displacements)
            acquisition = Acquisition(author, change.before, change.after, sent_at, known, order, self.era)
            self.acquisitions[author] = acquisition
            self.displacements.append(acquisition)
        return sent_at

    def learned(self, candidate: Candidate, seen: Versioned) -> None:
        record, before = seen.record, self.newest.get(candidate)
        if not self._is_news(candidate, seen) or not isinstance(record, Record):
            return
        went_back = before is not None and seen.version < before.version
        sightings = self._sightings.setdefault(candidate, {})
        key = _key(seen)
        if not record.holder and went_back:
            return  # a reset history frees nobody (rule 8)
        if not record.holder:
            # Free, and in an object that it knew: nothing is left to be waited for there (rule 2).
            self._sightings[candidate] = {k: known for k, known in sightings.items() if k[1] != seen.uid}
            return
        known = sightings.get(key)
        essence = record.attempt, record.renew_time  # an annotator changes neither
        if known is None or essence != known.essence:
            lease = record.lease_duration or candidate.timing.lease_duration
            sightings[key] = Sighting(essence, self.now(candidate), lease)

    def _is_news(self, candidate: Candidate, seen: Versioned) -> bool:
        """Tell whether a fact counts: what is older than the newest known one is to be ignored (rule 8).

        Unless it answers a read that was sent after that was known.
        """
        newest = self.newest.get(candidate)
        answers = candidate.pending is None and candidate.outcome is seen and seen.record is not None
        asked = answers and candidate in self._asked and self._asked[candidate] is newest
        if newest is None or seen.version > newest.version or seen.raw == newest.raw or asked:
            self.newest[candidate] = seen
            return True
        return False

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected) and candidate in self.acquisitions:
            self.terms[candidate] = self.acquisitions[candidate]

    def woke(self, candidate: Candidate) -> None:
        self.woke_at[candidate] = self.world.now


def _key(seen: Versioned) -> tuple[str, str]:
    """Name the holder of a record: two processes may share a name, and a hand leaves no attempt."""
    record = seen.record
    if not isinstance(record, Record) or not record.holder:
        return "", seen.uid
    return f"{record.holder} {record.attempt.incarnation if record.attempt else ''}", seen.uid


def _essence(seen: Versioned) -> Hashable:
    """Return what a change of other metadata leaves as it is."""
    record = seen.record
    if not isinstance(record, Record):
        return seen.uid, seen.version
    return seen.uid, record.holder, record.attempt, record.renew_time
