"""Claim: what a candidate holds, may take and may free, by the record and by its own writes in it.

Pure (rules 2, 4, 5 and 6).
"""

from __future__ import annotations

import math

from tenure.attempts import Attempts, SentWrite
from tenure.events import LossReason
from tenure.knowledge import Knowledge, News
from tenure.proof import Proof
from tenure.record import Attempt, Record, Versioned
from tenure.requests import Purpose
from tenure.timing import Timing

__all__ = ["Claim"]


class Claim:
    """The claim of one candidate.

    Args:
        timing: its durations.
        knowledge: of the record.
        attempts: its own writes.
        proof: of the records that it created.
    """

    def __init__(self, timing: Timing, knowledge: Knowledge, attempts: Attempts, proof: Proof) -> None:
        self._timing = timing
        self.knowledge = knowledge
        self.attempts = attempts
        self.proof = proof
        self._own_until_deleted = False
        self._held_until = -math.inf  # until then nobody else can have taken what we held

    @property
    def record(self) -> Record | None:
        """The newest record, if there is one and it can be read."""
        newest = self.knowledge.newest
        return newest.record if newest is not None and isinstance(newest.record, Record) else None

    @property
    def sent(self) -> SentWrite | None:
        """The write that made the newest record this candidate's own; None: it is not (rule 5)."""
        return self.attempts.made(self.knowledge.newest)

    def observe(self, seen: Versioned, now: float, asked_knowing: int | None) -> News:
        """Take in an observation; see `Knowledge.observe`."""
        owned = self.sent is not None
        news = self.knowledge.observe(seen, now, asked_knowing=asked_knowing)
        if news is News.IGNORED:
            return news
        if news is News.RESET:
            # What was written in the history that is gone proves nothing in this one (rule 8).
            self.attempts.forget()
        self._own_until_deleted = seen.record is None and (owned or self._own_until_deleted)
        if sent := self.sent:
            self._held_until = max(self._held_until, sent.at + self._timing.overrun_limit)
            if sent.distrust_s:
                self.proof.begin(seen.uid, now, sent.distrust_s)
        return news

    def begin(self, purpose: Purpose, campaign: int, now: float) -> tuple[Versioned | None, Attempt]:
        """Remember a write that is sent now; return what it replaces (None: it creates) and its name."""
        newest = self.knowledge.newest
        base = newest if newest is not None and newest.record is not None else None
        self.attempts.forget_before(now - 2 * self._timing.lease_duration, newest)
        distrust_s = 0.0 if base is not None else self._timing.takeover_delay(self.knowledge.longest_lease)
        return base, self.attempts.begin(SentWrite(now, purpose, campaign, distrust_s))

    def disowned(self, news: News, uid: str) -> LossReason | None:
        """Return why a term that holds the object `uid` is over with the newest fact (rules 3 and 8)."""
        if news is News.RESET:
            return LossReason.HISTORY_RESET
        newest = self.knowledge.newest
        return None if newest is None else self.attempts.disowned(newest, uid)

    def free_at(self, now: float) -> float:
        """Return from when on this candidate may take the record (rules 2 and 4); boot time, seconds."""
        newest = self.knowledge.newest
        if newest is None:
            return math.inf
        if self.sent:
            # Ours, from a write that came too late for a term: the compare-and-swap tells if it still is.
            return -math.inf
        if newest.record is None and self._own_until_deleted and now < self._held_until:
            return -math.inf
        return self.knowledge.free_at

    def is_proven(self, uid: str, now: float) -> bool:
        """Tell whether nobody can live any more who led by an object before this one (rule 4)."""
        return not self.proof.is_pending(uid, now)

    def can_free(self, now: float) -> bool:
        """Tell whether the record is ours to free.

        One that is not proven is left to run out: empty, it would let others in at once (rule 4).
        """
        newest = self.knowledge.newest
        return newest is not None and self.sent is not None and self.is_proven(newest.uid, now)
