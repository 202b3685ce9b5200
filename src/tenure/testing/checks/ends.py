"""The end of a term and of its body (rules 1 and 3)."""

from __future__ import annotations

import math

from tenure.events import CampaignStarted, Elected, Event, Overrun, Renewed
from tenure.requests import Purpose, Request, WriteRequest
from tenure.testing.checks.check import ROUNDING_S, Check, Complain
from tenure.testing.chronicle import Chronicle
from tenure.testing.world import Candidate

__all__ = ["BodiesEnd", "CountsFromTheSending", "NothingAfterTheEnd"]


class CountsFromTheSending(Check):
    """A term is valid until s+D at most, s being the sending of its last accepted write (rule 1).

    What arrives after that revives nothing.
    """

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._deadlines: dict[Candidate, float] = {}

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected | Renewed):
            now = self._chronicle.now(candidate)
            if isinstance(event, Renewed) and now >= self._deadlines.get(candidate, math.inf):
                self._complain(f"revived after its end: the term of {candidate.name}")
            self._deadlines[candidate] = event.deadline
            since = self._chronicle.renewed_at.get(candidate, -math.inf)
            late_s = event.deadline - since - candidate.timing.renew_deadline
            if late_s > ROUNDING_S:
                self._complain(f"valid after s+D: {candidate.name} believes so for {late_s:.3f} s")


class NothingAfterTheEnd(Check):
    """No request of a term is sent after its end (rules 1 and 3).

    A candidate that campaigns again may free a record that is still its own: that belongs to no term.
    """

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._campaigning: set[Candidate] = set()

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, CampaignStarted):
            self._campaigning.add(candidate)
        elif isinstance(event, Elected):
            self._campaigning.discard(candidate)

    def sent(self, candidate: Candidate, request: Request) -> None:
        if not isinstance(request, WriteRequest) or request.purpose is Purpose.ACQUIRE:
            return
        campaigns = candidate in self._campaigning
        if request.purpose is Purpose.RELEASE and campaigns:
            return
        since = self._chronicle.renewed_at.get(candidate, -math.inf)
        late_s = self._chronicle.now(candidate) - since - candidate.timing.renew_deadline
        term = candidate.term
        renews = request.purpose is Purpose.RENEW and not campaigns
        over = renews and term is not None and term.over
        if late_s >= ROUNDING_S or over:
            self._complain(f"sent after the end: {request.purpose.value} of {candidate.name}")


class BodiesEnd(Check):
    """No body runs past the hard limit, and nothing of the next term begins before it has ended (rule 1)."""

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._running: dict[Candidate, None] = {}  # in order: a simulation can be repeated
        self._overran: set[Candidate] = set()

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Overrun):
            self._overran.add(candidate)
            self._look(candidate, "is told of it")
        if isinstance(event, Elected | CampaignStarted) and candidate in self._running:
            self._complain(f"the old body runs: {candidate.name} says {type(event).__name__}")
        if isinstance(event, Elected):
            for other in self._running:
                told = other in self._overran or other.paused  # or cannot be told, as it stands still
                if other is not candidate and not told:
                    self._look(other, f"runs on while {candidate.name} begins,")
            self._running[candidate] = None
            self._overran.discard(candidate)

    def sent(self, candidate: Candidate, request: Request) -> None:
        releases = isinstance(request, WriteRequest) and request.purpose is Purpose.RELEASE
        if releases and candidate in self._running:
            self._complain(f"freed while the body runs: by {candidate.name}")

    def body_ended(self, candidate: Candidate) -> None:
        self._running.pop(candidate, None)
        if candidate not in self._overran:  # else it is told, and kills its body if it was told to
            self._look(candidate, "ends its body")

    def _look(self, candidate: Candidate, what: str) -> None:
        since = self._chronicle.renewed_at.get(candidate, -math.inf)
        past_s = self._chronicle.now(candidate) - since - candidate.timing.overrun_limit
        # What is due happens first when a paused process wakes.
        just_woke = self._chronicle.woke_at.get(candidate) == self.world.now
        if past_s > ROUNDING_S and not just_woke:
            self._complain(f"past the hard limit: {candidate.name} {what} {past_s:.3f} s late")
