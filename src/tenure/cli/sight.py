"""Sight: one election's record as this command has seen it, and since when by its own clock."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

from tenure.knowledge import Knowledge, News
from tenure.record import Contender, Record, UnreadableRecord, Versioned
from tenure.timing import Timing

__all__ = ["Election", "Sight", "State"]


class Election(NamedTuple):
    """Where an election's record is: two kinds of lock are two elections, even under one name."""

    namespace: str
    name: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class State(StrEnum):
    """What a record says."""

    HELD = "held"
    EXPIRED = "expired"
    FREE = "free"
    MISSING = "missing"
    UNREADABLE = "unreadable"


class Sight:
    """What was seen of one election; ages count from when *we* saw a change (DESIGN rule 2).

    Attributes:
        election: which one.
        is_witnessed: a change was seen to happen, so that it is known how long ago that was.
        enrolled: candidates that keep a Lease of their own.
    """

    def __init__(self, election: Election) -> None:
        self.election = election
        self.is_witnessed = False
        self.enrolled: tuple[Contender, ...] = ()
        self._knowledge = Knowledge(Timing())
        self._looked_at = -math.inf

    def take(self, seen: Versioned, now: float, *, is_read: bool) -> bool:
        """Take in an observation; return False if it is older than what is known, so that a read must tell.

        Args:
            seen: the record at a version, or its absence.
            now: when it was received; boot time, seconds.
            is_read: it answers a read, and was not told by a watch.
        """
        is_first = self._knowledge.newest is None
        news = self._knowledge.observe(
            seen, now, asked_knowing=self._knowledge.high_water if is_read else None
        )
        if news is not News.IGNORED:
            self._looked_at = now
        if news in (News.CHANGED, News.RESET):
            self.is_witnessed = not is_first
        return news is not News.IGNORED

    @property
    def newest(self) -> Versioned:
        """The newest that is known of the record."""
        return self._knowledge.newest or Versioned(record=None, version=0)

    @property
    def record(self) -> Record | None:
        """The record, if there is one that can be read."""
        return self.newest.record if isinstance(self.newest.record, Record) else None

    @property
    def candidates(self) -> tuple[Contender, ...]:
        """Those that are known: the enrolled, and those in the record of their leader."""
        known = {each.identity: each for each in self.enrolled}
        for each in self.record.contenders if self.record else ():
            known.setdefault(each.identity, each)
        return tuple(known[identity] for identity in sorted(known))

    @property
    def holder(self) -> str:
        """Whom the record names; empty: nobody."""
        return self.record.holder if self.record else ""

    @property
    def reason(self) -> str:
        """Why the record cannot be read, with the remedy; empty: it can, or there is none."""
        return self.newest.record.reason if isinstance(self.newest.record, UnreadableRecord) else ""

    @property
    def state(self) -> State:
        """What the newest record says; expired: it was looked at for a whole lease, and did not change."""
        if isinstance(self.newest.record, UnreadableRecord):
            return State.UNREADABLE
        if self.record is None:
            return State.MISSING
        if not self.holder:
            return State.FREE
        return State.EXPIRED if self._looked_at >= self._knowledge.stale_at else State.HELD

    @property
    def stale_at(self) -> float:
        """When a held record runs out unless it is renewed; boot time, seconds; ``inf``: it does not."""
        return self._knowledge.stale_at if self.state is State.HELD else math.inf

    @property
    def is_open(self) -> bool:
        """Whether its holder may live or not, for all that was seen; to wait longer will tell."""
        return not self.is_witnessed and math.isfinite(self.stale_at)

    def seconds_left(self, now: float) -> float | None:
        """Return how long the lease runs on from `now` (boot time); None: unknown, or it never ends."""
        if not self.is_witnessed or math.isinf(self.stale_at):
            return None
        return max(0.0, self.stale_at - now)

    @property
    def gist(self) -> tuple[object, ...]:
        """What a change of is worth a line; renewals are not."""
        record = self.record
        what = (self.holder, record.token, record.transitions) if record else (self.reason,)
        return (self.state, self.newest.uid, *what)
