"""FencedStore: a resource behind a fence, and the bodies that write to it, late ones too."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tenure.events import Elected, Event, Renewed
from tenure.testing.chronicle import Acquisition, Chronicle
from tenure.testing.schedule import Schedule
from tenure.testing.world import Candidate, Observer
from tenure.token import FencingToken

__all__ = ["FencedStore"]

_QUICK_S = 0.005
_LATE_SHARE, _LATE_S = 0.1, 60.0  # of the writes are held up somewhere, for at most so long


class FencedStore(Observer):
    """Refuses every write with a lower token than the highest it has seen (rule 10).

    After a restore of the election's store its operator raises the epoch, here by hand (rule 9).

    Bodies raise the fence when their term begins and write with each renewal. Judged is what it lets through
    by the order in which the terms were truly acquired, which it does not know.

    Args:
        schedule: of the simulation.
        random: of the simulation.
        chronicle: the facts.
        complain: is called when a write of an older term is let through, or one of the newest is refused.

    Attributes:
        accepted, refused: how many writes were.
    """

    def __init__(
        self, schedule: Schedule, random: Random, chronicle: Chronicle, complain: Callable[[str], None]
    ) -> None:
        self.accepted = 0
        self.refused = 0
        self._schedule = schedule
        self._random = random
        self._chronicle = chronicle
        self._complain = complain
        self._highest = (-1, -1)
        self._newest = -1

    def said(self, candidate: Candidate, event: Event) -> None:
        """A body acts on its term."""
        term = self._chronicle.terms.get(candidate)
        if term is None or candidate.term is None:
            return
        if isinstance(event, Elected):
            self._schedule.after(_QUICK_S, self._receive, term, event.token)
        elif isinstance(event, Renewed):
            late = self._random.random() < _LATE_SHARE
            delay_s = self._random.random() * (_LATE_S if late else _QUICK_S) + _QUICK_S
            self._schedule.after(delay_s, self._receive, term, candidate.term.token)

    def _receive(self, term: Acquisition, published: FencingToken) -> None:
        token = (term.era, int(published))
        if token < self._highest:
            self.refused += 1
            if term.order >= self._newest:
                self._complain(f"the fence refuses the newest term: that of {term.candidate.name}")
            return
        self.accepted += 1
        if term.order < self._newest:
            self._complain(f"the fence lets an older term write: that of {term.candidate.name}")
        self._highest, self._newest = token, max(term.order, self._newest)
