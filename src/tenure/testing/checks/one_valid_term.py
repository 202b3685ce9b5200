"""OneValidTerm: at no true instant two terms are valid, but for the gaps of rule 4 that a hand must open."""

from __future__ import annotations

from tenure.events import Elected, Event, Renewed
from tenure.testing.checks.check import Check, Complain
from tenure.testing.chronicle import Acquisition, Chronicle
from tenure.testing.world import Candidate, Change

__all__ = ["OneValidTerm"]


class OneValidTerm(Check):
    """Compares the valid terms whenever one begins or goes on."""

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._holders: list[Candidate] = []

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected):
            now = self.world.now
            self._holders = [c for c in self._holders if c.has_valid_term(now) and c is not candidate]
            self._holders.append(candidate)
        if isinstance(event, Elected | Renewed) and len(self._holders) > 1:
            for other in self._holders:
                if other is not candidate and other.has_valid_term(self.world.now):
                    self._compare(other, candidate)

    def _compare(self, one: Candidate, other: Candidate) -> None:
        terms = [self._chronicle.terms[c] for c in (one, other) if c in self._chronicle.terms]
        terms.sort(key=lambda term: term.order)
        if len(terms) < 2 or not self._is_lawful(*terms):
            self._complain(f"two valid terms: those of {one.name} and {other.name}")

    def _is_lawful(self, old: Acquisition, new: Acquisition) -> bool:
        """Tell whether a hand has opened a gap in which both are valid (rule 4)."""
        displaced = self._chronicle.displacements
        later = displaced[displaced.index(old) + 1 : displaced.index(new) + 1]
        if isinstance(later[0], Acquisition):
            return False  # taken over, and no hand had meddled
        return any(
            _declares_dead(each) or _is_filled_in_time(later[at:], old)
            for at, each in enumerate(later)
            if isinstance(each, Change)
        )


def _is_filled_in_time(later: list[Acquisition | Change], old: Acquisition) -> bool:
    """Tell whether the first term after a hand's change began as late as its candidate could know."""
    first = next(each for each in later if isinstance(each, Acquisition))
    # Under "wait" a deletion opens no gap.
    creates = first.before.record is None and first.candidate.on_missing == "wait"
    return first.waited_for(old) and not creates


def _declares_dead(change: Change) -> bool:
    """Tell whether a hand has emptied the record under the eyes of all: the object is the same (rule 4)."""
    was_there = change.before.uid == change.after.uid and change.before.record is not None
    return was_there and change.after.is_free and change.after.version > change.before.version
