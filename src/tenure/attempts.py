"""Attempts: what a candidate remembers of the writes that it sent, for the record that may one day name one.

Pure. A record is one's own only if identity, incarnation and attempt are those of a write that was sent
(rule 5), and a term counts from the sending of the very attempt that the record names (rule 7).
"""

from __future__ import annotations

from dataclasses import dataclass

from tenure.events import LossReason
from tenure.record import Attempt, Record, UnreadableRecord, Versioned
from tenure.requests import Purpose

__all__ = ["Attempts", "SentWrite"]


@dataclass(frozen=True, slots=True)
class SentWrite:
    """One write that was sent.

    Attributes:
        at: when; boot time, seconds.
        purpose: acquire, renew or release.
        campaign: the number of the campaign that it belongs to.
        distrust_s: seconds for which the leader of an older record may be alive when this one is first seen;
            0 but for a create, which carries no version and can land at any later time.
    """

    at: float
    purpose: Purpose
    campaign: int
    distrust_s: float

    def acquires(self, campaign: int) -> bool:
        """Tell whether it was sent to win this campaign."""
        return self.purpose is Purpose.ACQUIRE and self.campaign == campaign


class Attempts:
    """The writes of one incarnation.

    Args:
        identity: the holder's name in them.
        incarnation: what tells this candidate from all others of that name.
    """

    def __init__(self, identity: str, incarnation: str) -> None:
        self._identity = identity
        self._incarnation = incarnation
        self._number = 0
        self._sent: dict[int, SentWrite] = {}

    def begin(self, sent: SentWrite) -> Attempt:
        """Remember a write that is sent now, and name it."""
        self._number += 1
        self._sent[self._number] = sent
        return Attempt(self._incarnation, self._number)

    def made(self, seen: Versioned | None) -> SentWrite | None:
        """Return the write that made this record ours; None: it is not ours."""
        sent = self._named(seen)
        return sent if sent is not None and sent.purpose is not Purpose.RELEASE else None

    def freed(self, seen: Versioned | None) -> bool:
        """Tell whether a release of ours made this record."""
        sent = self._named(seen)
        return sent is not None and sent.purpose is Purpose.RELEASE

    def disowned(self, seen: Versioned, uid: str) -> LossReason | None:
        """Return why a term that holds the object `uid` is over with this fact; None: it is not (rule 3)."""
        record = seen.record
        if record is None:
            return LossReason.DELETED
        if isinstance(record, UnreadableRecord):
            return LossReason.UNREADABLE
        if not record.holder:
            return LossReason.FREED
        if record.holder != self._identity:
            return LossReason.OTHER_HOLDER
        if seen.uid != uid:
            return LossReason.RECREATED
        return None if self.made(seen) else LossReason.FOREIGN_WRITE

    def is_latest(self, sent: SentWrite) -> bool:
        """Tell whether no write was sent after this one."""
        return self._sent.get(self._number) is sent

    def forget_before(self, horizon: float, named: Versioned | None) -> None:
        """Drop writes sent before `horizon` (boot time, seconds), but not the one that made `named`."""
        kept = self._named(named)
        self._sent = {n: sent for n, sent in self._sent.items() if sent.at > horizon or sent is kept}

    def forget(self) -> None:
        """Drop all writes: no record that names one of them is ours any more."""
        self._sent.clear()

    def _named(self, seen: Versioned | None) -> SentWrite | None:
        record = seen.record if seen is not None else None
        if not isinstance(record, Record) or record.attempt is None:
            return None
        if record.attempt.incarnation != self._incarnation:
            return None
        sent = self._sent.get(record.attempt.number)
        if sent is None or record.holder != ("" if sent.purpose is Purpose.RELEASE else self._identity):
            return None
        return sent
