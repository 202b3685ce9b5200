"""Broken knowledge: what a contender makes of what it sees (rules 2, 4 and 8)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tenure.claim import Claim
from tenure.election import Election
from tenure.knowledge import Knowledge, News
from tenure.proof import Proof
from tenure.record import Record, UnreadableRecord, Versioned
from tenure.testing.store import _BEGINNING

__all__ = [
    "AnnotatorDelaysTakeover",
    "BelievedAtOnce",
    "DeletionIsFree",
    "DurationOfItsOwn",
    "EmptyUnderNewUidIsFree",
    "FreesWhatIsNotProven",
    "NoDurationIsFree",
    "OldObservationBelieved",
    "OverwrittenHolderForgotten",
    "ResetIsFree",
    "TimestampsCompared",
    "UnreadableIsFree",
    "WaitsBeforeTheCreate",
]


class DurationOfItsOwn(Knowledge):
    """A contender waits as long as its own configuration says, whatever the record says."""

    def _hold(self, record: Record, known: Versioned | None, now: float) -> None:
        super()._hold(replace(record, lease_duration=None), known, now)


class NoDurationIsFree(Knowledge):
    """A record without a duration (client-go: 0, or none) counts as one that has run out."""

    def _hold(self, record: Record, known: Versioned | None, now: float) -> None:
        super()._hold(record, known, now)
        if record.lease_duration is None:
            self.free_at = -math.inf


class TimestampsCompared(Knowledge):
    """A contender adds the duration to the holder's `renew_time`, and looks at its own clock.

    Its wall clock is its local clock: it showed the store's beginning at 0.
    """

    def _hold(self, record: Record, known: Versioned | None, now: float) -> None:
        super()._hold(record, known, now)
        if record.renew_time is not None:
            self.free_at = self._takeover_at((record.renew_time - _BEGINNING).total_seconds())


class OverwrittenHolderForgotten(Knowledge):
    """A holder that was overwritten from outside does not count any more, though it may not know it yet."""

    def _hold(self, record: Record, known: Versioned | None, now: float) -> None:
        super()._hold(record, known, now)
        self.free_at = self._takeover_at(now)


class DeletionIsFree(Knowledge):
    """A deleted record may be created again at once, by anybody."""

    def _judge(self, seen: Versioned, known: Versioned | None, now: float) -> None:
        super()._judge(seen, known, now)
        if seen.record is None:
            self.free_at = -math.inf


class EmptyUnderNewUidIsFree(Knowledge):
    """An empty holder is free at once, also in an object that was not known."""

    def _judge(self, seen: Versioned, known: Versioned | None, now: float) -> None:
        super()._judge(seen, known, now)
        if seen.is_free:
            self.free_at = -math.inf


class UnreadableIsFree(Knowledge):
    """A record that cannot be decoded names nobody, so nobody holds it."""

    def _judge(self, seen: Versioned, known: Versioned | None, now: float) -> None:
        super()._judge(seen, known, now)
        if isinstance(seen.record, UnreadableRecord):
            self.free_at = -math.inf


class OldObservationBelieved(Knowledge):
    """What arrives last counts as the newest, whatever its version."""

    def observe(self, seen: Versioned, now: float, *, asked_knowing: int | None = None) -> News:
        if seen.version < self.high_water:
            self.high_water = seen.version - 1
        return super().observe(seen, now, asked_knowing=asked_knowing)


class AnnotatorDelaysTakeover(Knowledge):
    """A contender waits anew after every new version, also after one that only changed a label."""

    def observe(self, seen: Versioned, now: float, *, asked_knowing: int | None = None) -> News:
        news = super().observe(seen, now, asked_knowing=asked_knowing)
        if news is News.TOUCHED and math.isfinite(self.free_at):
            self.changed_at, self.free_at = now, self._takeover_at(now)
        return news


class ResetIsFree(Knowledge):
    """After a restore the record counts as it is: nobody of the history that is gone is waited for."""

    def _start_over(self, seen: Versioned, now: float) -> None:
        super()._start_over(seen, now)
        if seen.is_free:
            self.free_at = -math.inf


class BelievedAtOnce(Proof):
    """A term that began with a create is valid at once, also with ``on_missing="wait"``."""

    def is_pending(self, uid: str, now: float) -> bool:
        return False


class _WaitsForAbsent(Knowledge):
    def _judge(self, seen: Versioned, known: Versioned | None, now: float) -> None:
        super()._judge(seen, known, now)
        if known is None and seen.record is None:
            self.free_at = self._takeover_at(now)


class WaitsBeforeTheCreate(Election):
    """``on_missing="wait"``: the lease is waited before the create is sent, and not after its answer."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._claim.knowledge = _WaitsForAbsent(self.timing)
        self._claim.proof = Proof(required=False)


class FreesWhatIsNotProven(Claim):
    """A candidate that resigns frees its record also while the proof is outstanding."""

    def can_free(self, now: float) -> bool:
        return self.sent is not None
