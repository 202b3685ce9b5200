"""Knowledge: the newest fact about a record, since when it stands, and how long it keeps others out.

Pure: time comes in as a parameter. Candidates and observers both build on it (rules 2, 4 and 8 of the
safety contract).
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

from tenure.record import Record, UnreadableRecord, Versioned
from tenure.timing import Timing

__all__ = ["Knowledge", "News"]


class News(Enum):
    """What an observation was worth."""

    IGNORED = "older than what is known"
    SAME = "what is known"
    TOUCHED = "a newer version with the same holder and attempt"
    CHANGED = "another holder, attempt or object, or none"
    RESET = "history went back: the store was restored"


class Knowledge:
    """What is known of one election's record.

    Attributes:
        newest: the newest fact; None before the first one.
        high_water: the highest version ever known; -1 before the first fact.
        changed_at: o, when the newest change of holder or attempt was received; boot time, seconds.
        free_at: from when on somebody who did not hold the record may take it; boot time, seconds; ``inf``
            while nobody may.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._lease = timing.lease_duration
        self.newest: Versioned | None = None
        self.high_water = -1
        self.changed_at = -math.inf
        self.free_at = -math.inf
        self._overwritten_until = -math.inf  # until then a holder that was overwritten may not know it
        self._reset_until = -math.inf  # until then a leader of the history that is gone may live

    @property
    def stale_at(self) -> float:
        """When the newest record runs out in the eyes of an onlooker, o+L; boot time, seconds."""
        return self.changed_at + self._lease

    @property
    def longest_lease(self) -> float:
        """One's own duration or the newest seen, whichever is longer (and not endless); seconds."""
        return max(self._timing.lease_duration, self._last_finite_lease())

    def observe(self, seen: Versioned, now: float, *, asked_knowing: int | None = None) -> News:
        """Take in an observation, unless it is older than the newest fact (rule 8).

        Args:
            seen: the record at a version, or its absence.
            now: when it was received; boot time, seconds.
            asked_knowing: for the answer to a read without version, the `high_water` when it was sent: only
                such an answer can make a 404 or a lower version count. None for a watch or a write.
        """
        known = self.newest
        if known is not None and seen.version <= self.high_water:
            if seen.version == known.version and _is_same(seen, known):
                return News.SAME
            if asked_knowing != self.high_water:
                return News.IGNORED
            if seen.record is not None:
                self._start_over(seen, now)
                return News.RESET
        self.newest = seen
        self.high_water = max(self.high_water, seen.version)
        if known is not None and _essence(seen) == _essence(known):
            return News.TOUCHED
        self._judge(seen, known, now)
        self.changed_at = now
        return News.CHANGED

    def _judge(self, seen: Versioned, known: Versioned | None, now: float) -> None:
        """Find from when on the record may be taken, after a change of its essence."""
        record = seen.record
        same_object = known is not None and known.record is not None and known.uid == seen.uid
        if isinstance(record, UnreadableRecord):
            # How long its writer means to hold it cannot be known: never free, and one's own duration at
            # least from the newest change if it is deleted.
            self._lease = self.longest_lease
            self._remember_overwritten()
            self.free_at = math.inf
        elif record is None or not (record.holder or same_object):
            # Under a new uid an empty holder proves no more than a deletion: the leader of the old record
            # may not know it yet.
            self._outlast()
        elif record.holder:
            self._hold(record, known if same_object else None, now)
        elif known is not None and not known.is_free:
            self.free_at = self._overwritten_until = self._reset_until
        # else: an empty record stays what it was, free or not yet.

    def _outlast(self) -> None:
        """Wait out the last lease seen; a name that never expires is freed by deletion."""
        if math.isinf(self._lease):
            self.free_at = self._reset_until
        elif self.free_at == math.inf:
            self.free_at = self._takeover_at(self.changed_at)

    def _hold(self, record: Record, known: Versioned | None, now: float) -> None:
        renewed = (
            known is not None and isinstance(known.record, Record) and known.record.holder == record.holder
        )
        if not renewed:
            self._remember_overwritten()
        own = self._timing.lease_duration
        self._lease = own if record.lease_duration is None else record.lease_duration
        self.free_at = max(self._overwritten_until, self._takeover_at(now))

    def _remember_overwritten(self) -> None:
        """Keep the end of a lease whose holder was overwritten from outside, and may not know it yet.

        A lawful successor came later than that anyway.
        """
        if math.isfinite(self.free_at):
            self._overwritten_until = self.free_at

    def _start_over(self, seen: Versioned, now: float) -> None:
        """Accept an older history: whoever leads in either of the two may live for a lease from now."""
        before = self.longest_lease
        if isinstance(seen.record, Record) and seen.record.holder:
            self._lease = max(before, seen.record.lease_duration or 0.0)
        else:
            self._lease = before
        self.newest, self.high_water, self.changed_at = seen, seen.version, now
        self._reset_until = now + self._timing.takeover_delay(max(before, self._last_finite_lease()))
        self._overwritten_until = self._reset_until
        unreadable = isinstance(seen.record, UnreadableRecord)
        self.free_at = math.inf if unreadable else self._takeover_at(now)

    def _takeover_at(self, since: float) -> float:
        return since + self._timing.takeover_delay(self._lease)

    def _last_finite_lease(self) -> float:
        return self._lease if math.isfinite(self._lease) else 0.0


def _is_same(seen: Versioned, known: Versioned) -> bool:
    """Tell whether two facts of one version are one: a restored store gives out its versions once more."""
    return (seen.record is None) == (known.record is None) and _essence(seen) == _essence(known)


def _essence(seen: Versioned) -> tuple[Any, ...]:
    """Return what a contender counts from: object, holder and attempt, and no other metadata (rule 2)."""
    record = seen.record
    if isinstance(record, Record):
        return (seen.uid, record.holder, record.attempt, record.renew_time)
    if isinstance(record, UnreadableRecord):
        return (seen.uid, seen.version)
    return ()
