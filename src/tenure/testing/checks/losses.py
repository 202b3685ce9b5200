"""When a term is lost before its deadline, and when it is not (rules 3 and 7)."""

from __future__ import annotations

import math

from tenure.events import Elected, Event, Lost
from tenure.record import Versioned
from tenure.testing.checks.check import ROUNDING_S, Check, Complain
from tenure.testing.chronicle import Chronicle
from tenure.testing.world import Candidate, Change

__all__ = ["LosesAtOnce", "LosesForAReason"]


class LosesAtOnce(Check):
    """A leader that has seen a newer record that is not its own, or another object, has lost (rule 3)."""

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._disowned: dict[Candidate, tuple[int, float]] = {}

    def learned(self, candidate: Candidate, seen: Versioned) -> None:
        self._look()
        if self._is_foreign(candidate, seen):
            known, _ = self._disowned.get(candidate, (0, 0.0))
            self._disowned[candidate] = max(known, seen.version), self.world.now

    def _is_foreign(self, candidate: Candidate, seen: Versioned) -> bool:
        term = self._chronicle.terms.get(candidate)
        if self._chronicle.author_of(seen) is not candidate:
            return True
        return term is not None and seen.uid != term.after.uid and candidate.has_valid_term(self.world.now)

    def said(self, candidate: Candidate, event: Event) -> None:
        self._look()

    def changed(self, change: Change) -> None:
        self._look()

    def _look(self) -> None:
        """Whoever was told at an earlier instant must have lost by now."""
        if self._disowned:
            for candidate, (version, told_at) in list(self._disowned.items()):
                if told_at == self.world.now:
                    continue
                del self._disowned[candidate]
                term = self._chronicle.terms.get(candidate)
                outdated = term is not None and term.after.version < version
                if outdated and candidate.has_valid_term(self.world.now) and not candidate.paused:
                    self._complain(f"goes on though its record is gone: {candidate.name}")


class LosesForAReason(Check):
    """A term whose record is in place, as far as its holder was told, is not lost before s+D.

    A change of other metadata is no loss, nor is a conflict over an unchanged record (rules 3 and 7).
    """

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._seen_since: dict[Candidate, list[tuple[float, float]]] = {}
        self._newest: dict[Candidate, int] = {}
        self._disturbed: set[Candidate] = set()

    def learned(self, candidate: Candidate, seen: Versioned) -> None:
        own = self._chronicle.sending_of(seen, candidate)
        newest = self._newest.get(candidate, -1)
        if own is None or seen.version < newest:
            self._disturbed.add(candidate)
        else:
            self._seen_since[candidate] = [*self._seen_since.get(candidate, [])[-3:], (self.world.now, own)]
        self._newest[candidate] = max(newest, seen.version)

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected):
            self._disturbed.discard(candidate)
        elif isinstance(event, Lost) and candidate not in self._disturbed:
            # What has just arrived did so after the end, if it was over without it.
            known = [own for at, own in self._seen_since.get(candidate, []) if at < self.world.now]
            until = max(known, default=-math.inf) + candidate.timing.renew_deadline
            left_s = until - self._chronicle.now(candidate)
            if left_s > ROUNDING_S:
                self._complain(f"lost for nothing: {candidate.name}, {event.reason}, {left_s:.3f} s early")
