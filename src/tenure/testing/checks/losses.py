"""When a term is lost before its deadline, and when it is not (rules 3 and 7)."""

from __future__ import annotations

import math

from tenure.events import Elected, Event, LossReason, Lost
from tenure.record import Versioned
from tenure.requests import Request
from tenure.testing.checks.check import ROUNDING_S, Check, Complain
from tenure.testing.chronicle import Chronicle
from tenure.testing.world import Candidate, Change

__all__ = ["LosesAtOnce", "LosesForAReason", "TriesToTheEnd"]


class LosesAtOnce(Check):
    """Who has seen a newer record that is not its own, or another object, leads no more (rule 3)."""

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._told_at: dict[Candidate, float] = {}

    def learned(self, candidate: Candidate, seen: Versioned) -> None:
        self._look(candidate)
        if candidate.has_valid_term(self.world.now) and _is_disowned(candidate, self._chronicle):
            self._told_at[candidate] = self.world.now

    def said(self, candidate: Candidate, event: Event) -> None:
        self._look(candidate)
        # What is due happens first when a paused process wakes: the news comes after it.
        just_woke = self._chronicle.woke_at.get(candidate) == self.world.now
        if isinstance(event, Elected) and _is_disowned(candidate, self._chronicle) and not just_woke:
            self._complain(f"begins though its record is gone: the term of {candidate.name}")

    def changed(self, change: Change) -> None:
        self._look(change.author)

    def _look(self, acting: Candidate | None) -> None:
        """Whoever was told has lost before anybody else does anything, and before time goes on."""
        if self._told_at:
            for candidate, told_at in list(self._told_at.items()):
                if candidate is acting and told_at == self.world.now:
                    continue
                del self._told_at[candidate]
                leads = candidate.has_valid_term(self.world.now) and not candidate.paused
                if leads and _is_disowned(candidate, self._chronicle):
                    self._complain(f"goes on though its record is gone: {candidate.name}")


class LosesForAReason(Check):
    """A term whose record is in place, as far as its holder was told, is not lost before s+D.

    A change of other metadata is no loss, nor is a conflict over an unchanged record (rules 3 and 7).
    """

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._until: dict[Candidate, float] = {}  # s+D as it was told; seconds of its clock
        self._newest: dict[Candidate, int] = {}
        self._disturbed: set[Candidate] = set()

    def learned(self, candidate: Candidate, seen: Versioned) -> None:
        own = self._chronicle.sending_of(seen, candidate)
        newest = self._newest.get(candidate, -1)
        term = self._chronicle.terms.get(candidate)
        elsewhere = term is not None and seen.uid != term.after.uid
        if own is None or elsewhere or seen.version < newest:
            self._disturbed.add(candidate)
        else:
            self._prolong(candidate, own + candidate.timing.renew_deadline)
        self._newest[candidate] = max(newest, seen.version)

    def _prolong(self, candidate: Candidate, until: float) -> None:
        """What arrives after the end of a term prolongs nothing."""
        known = self._until.get(candidate, -math.inf)
        leads = candidate.term is not None and not candidate.term.over
        if not leads or self._chronicle.now(candidate) < known:
            self._until[candidate] = max(known, until)

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected) and not _is_disowned(candidate, self._chronicle):
            self._disturbed.discard(candidate)
        elif isinstance(event, Lost) and self._is_needless(candidate, event.reason):
            left_s = self._until.get(candidate, -math.inf) - self._chronicle.now(candidate)
            if left_s > ROUNDING_S:
                self._complain(f"lost for nothing: {candidate.name}, {event.reason}, {left_s:.3f} s early")

    def _is_needless(self, candidate: Candidate, reason: LossReason) -> bool:
        """Tell whether nothing has happened that ends a term before its time; a core that broke is such."""
        return candidate not in self._disturbed and reason is not LossReason.INTERNAL_ERROR


class TriesToTheEnd(Check):
    """A term does not run out for want of a try: it is renewed while it lasts, also while its body drains.

    (Rule 6.)
    """

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._asked_at: dict[Candidate, float] = {}

    def sent(self, candidate: Candidate, request: Request) -> None:
        self._asked_at[candidate] = self._chronicle.now(candidate)

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Lost) and event.reason is LossReason.RENEW_DEADLINE:
            idle_s = self._chronicle.now(candidate) - self._asked_at.get(candidate, -math.inf)
            just_woke = self._chronicle.woke_at.get(candidate) == self.world.now
            if idle_s - candidate.timing.renew_deadline > -ROUNDING_S and not just_woke:
                self._complain(f"lost untried: the term of {candidate.name}")


def _is_disowned(candidate: Candidate, chronicle: Chronicle) -> bool:
    """Tell whether the newest fact that it knows is not of its own making, or another object."""
    newest, term = chronicle.newest.get(candidate), chronicle.terms.get(candidate)
    if newest is None or term is None:
        return False
    return chronicle.author_of(newest) is not candidate or newest.uid != term.after.uid
