"""Checks: the sentences of the safety contract, each judged from what truly happened.

They know true time and every clock, and trust nothing that a core says of itself: a term is what its program
was told of it, and a renewal is what the store accepted.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable

from tenure.election import OnMissing
from tenure.events import CampaignStarted, Elected, Event, Renewed
from tenure.requests import Purpose, Request, WriteRequest
from tenure.testing.chronicle import Acquisition, Chronicle
from tenure.testing.world import Candidate, Change, Observer

__all__ = ["checks_of"]

# What sums of floating-point numbers differ by, in seconds.
_ROUNDING_S = 1e-6

Complain = Callable[[str], None]


class _Check(Observer):
    """One sentence of the contract.

    Args:
        chronicle: the facts; it is told of everything first.
        complain: is called with what broke the sentence.
    """

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        self._chronicle = chronicle
        self._complain = complain


class OneValidTerm(_Check):
    """At no true instant two terms are valid, but for the gaps of rule 4 that a hand must open.

    Args:
        chronicle: the facts.
        complain: is called with what broke the sentence.
        on_missing: under ``"wait"`` a deletion opens no gap.
    """

    def __init__(self, chronicle: Chronicle, complain: Complain, on_missing: OnMissing) -> None:
        super().__init__(chronicle, complain)
        self._on_missing = on_missing
        self._holders: list[Candidate] = []

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected):
            now = self.world.now
            self._holders = [c for c in self._holders if c.has_valid_term(now) and c is not candidate]
            for other in self._holders:
                self._compare(other, candidate)
            self._holders.append(candidate)
        elif isinstance(event, Renewed) and len(self._holders) > 1:
            for other in self._holders:
                if other is not candidate and other.has_valid_term(self.world.now):
                    self._compare(other, candidate)

    def _compare(self, one: Candidate, other: Candidate) -> None:
        terms = [self._chronicle.terms[c] for c in (one, other) if c in self._chronicle.terms]
        terms.sort(key=lambda term: term.after.version)
        if len(terms) < 2 or not self._is_lawful(*terms):
            self._complain(f"two valid terms: {one.name} and {other.name}")

    def _is_lawful(self, old: Acquisition, new: Acquisition) -> bool:
        """Tell whether a hand has opened the gap in which both are valid (rule 4)."""
        if old.after.uid == new.after.uid:
            first = self._first_after_a_hand(old)
            return first is None or (first is not old and first.waited_for(old))
        creation = self._chronicle.displacements[new.after.uid][0]
        if not isinstance(creation, Acquisition):
            return True  # made by hand, and its holder declared by hand
        return self._on_missing == "create" and creation.waited_for(old)

    def _first_after_a_hand(self, old: Acquisition) -> Acquisition | None:
        """Return who took the object first after a hand had; `old`: no hand did; None: it was emptied."""
        displacements = self._chronicle.displacements[old.after.uid]
        later = displacements[displacements.index(old) + 1 :]
        if not later or isinstance(later[0], Acquisition):
            return old
        for each in later:
            if isinstance(each, Acquisition):
                return each
            if each.after.is_free:
                return None
        return old


class CountsFromTheSending(_Check):
    """A term is valid until s+D at most, s being the sending of its last accepted write (rule 1)."""

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected | Renewed):
            since = self._chronicle.renewed_at.get(candidate, -math.inf)
            late_s = event.deadline - since - candidate.timing.renew_deadline
            if late_s > _ROUNDING_S:
                self._complain(f"{candidate.name} takes its term for valid {late_s:.3f} s too long")


class NothingAfterTheEnd(_Check):
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
        if request.purpose is Purpose.RELEASE and candidate in self._campaigning:
            return
        since = self._chronicle.renewed_at.get(candidate, -math.inf)
        late_s = self._chronicle.now(candidate) - since - candidate.timing.renew_deadline
        term = candidate.term
        over = term is not None and term.over and term.token == request.record.token
        if late_s >= _ROUNDING_S or over:
            self._complain(f"{candidate.name} sends {request.purpose.value} for a term that is over")


class TokensRise(_Check):
    """Tokens rise strictly in the order of the acquiring writes, across deletion too (rule 9)."""

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._tokens: list[tuple[int, int]] = []

    def said(self, candidate: Candidate, event: Event) -> None:
        if not isinstance(event, Elected) or candidate not in self._chronicle.terms:
            return
        version = self._chronicle.terms[candidate].after.version
        at = bisect(self._tokens, (version,))
        self._tokens.insert(at, (version, int(event.token)))
        around = [token for _, token in self._tokens[max(0, at - 1) : at + 2]]
        if around != sorted(set(around)):
            self._complain(f"tokens do not rise: {around}")


class ReleasesOnlyItsOwn(_Check):
    """A release never wipes a successor, and never comes while work runs (rule 6)."""

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._author: Candidate | None = None

    def sent(self, candidate: Candidate, request: Request) -> None:
        releases = isinstance(request, WriteRequest) and request.purpose is Purpose.RELEASE
        if releases and candidate.term is not None and candidate.term.body_runs:
            self._complain(f"{candidate.name} frees the record while its body runs")

    def changed(self, change: Change) -> None:
        released = change.request is not None and change.request.purpose is Purpose.RELEASE
        if released and self._author is not change.author:
            self._complain(f"{change.author.name if change.author else ''} wipes the record of a successor")
        self._author = self._chronicle.author


class BodiesEnd(_Check):
    """No body runs past the hard limit, and nothing of the next term begins before it has ended (rule 1)."""

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._running: set[Candidate] = set()

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected | CampaignStarted) and candidate in self._running:
            self._complain(f"{candidate.name}: {type(event).__name__} while the body of its last term runs")
        if isinstance(event, Elected):
            self._running.add(candidate)

    def body_ended(self, candidate: Candidate) -> None:
        self._running.discard(candidate)
        limit = self._chronicle.renewed_at[candidate] + candidate.timing.overrun_limit
        past_s = self._chronicle.now(candidate) - limit
        just_woke = self._chronicle.woke_at.get(candidate) == self.world.now
        if past_s > _ROUNDING_S and not just_woke:
            self._complain(f"the body of {candidate.name} ran {past_s:.3f} s past the hard limit")


def checks_of(chronicle: Chronicle, on_missing: OnMissing, complain: Complain) -> tuple[Observer, ...]:
    """Return the chronicle and all checks of one election, in the order in which they are to be told."""
    return (
        chronicle,
        OneValidTerm(chronicle, complain, on_missing),
        CountsFromTheSending(chronicle, complain),
        NothingAfterTheEnd(chronicle, complain),
        TokensRise(chronicle, complain),
        ReleasesOnlyItsOwn(chronicle, complain),
        BodiesEnd(chronicle, complain),
    )
