"""Form: a part of a position with its numbers and names taken out, so that those can be counted anew.

Versions and the numbers of attempts count by their order alone, because a core only compares them: what
matters of 7, 9 and 12 is that there are three. So the renewals of a quiet leader lead back to where it was.
What is never read again is left out: how often the holder changed, and which campaign a past write was for.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import count
from typing import Any, Protocol, cast

from tenure.fingerprint import fingerprint_of
from tenure.record import Attempt, Versioned
from tenure.requests import Request
from tenure.testing.world import Candidate, Core
from tenure.timing import Timing
from tenure.token import FencingToken

__all__ = ["NAMES", "Form", "Forms"]

# Of candidates, in the order in which they come.
NAMES = ("a", "b", "c", "d", "e", "f")

_VERSIONS = {"version", "high_water", "knowing", "refused_version", "token_version"}
# Written and never read, but to say a thing only once, and what counts only among candidates with priorities.
_DROPPED = {"transitions", "trouble", "preempt_from"}
# They widen a random delay, and without randomness nothing.
_OF_THE_SPREAD = {"spread", "opened_at"}
# More forms than this are not kept: they take some kilobytes each.
_MOST_FORMS = 40_000
_SERIALS = count()


class _Searched(Core, Protocol):
    def fingerprint(self, now: float) -> Hashable: ...


@dataclass(slots=True)
class Form:
    """All but the numbers and names as a digest, and these in the order in which they stand."""

    serial: int  # no other form has it
    digest: bytes
    versions: list[int]
    stamps: list[datetime]
    names: list[str]
    attempts: list[Attempt]
    sent: list[tuple[Attempt, bytes]]


class Forms:
    """Makes forms.

    Args:
        timing: of the candidates.
        spread: their random delays can be other than 0.
    """

    def __init__(self, timing: Timing, *, spread: bool) -> None:
        self._horizon = 2 * timing.lease_duration
        # Times that count no longer than this.
        self._oldest = {"last_sent_at": -timing.retry_period, "changed_at": -timing.lease_duration}
        self._sent_at = -timing.renew_deadline - timing.renew_period
        self._dropped = _DROPPED if spread else _DROPPED | _OF_THE_SPREAD
        self._spread = spread
        self._forms: dict[Any, Form] = {}
        self._values: dict[int, tuple[object, Any]] = {}

    def of_candidate(self, candidate: Candidate, now: float) -> Form:
        """Return the form of a candidate at the true time `now`."""
        core = cast("_Searched", candidate.core).fingerprint(candidate.clock.local(now))
        answered = candidate.pending is not None and candidate.applied
        outcome = self._plain(candidate.outcome) if answered else ()
        facts = (core, self._around(candidate, now), outcome, candidate.paused)
        return self._form(facts, candidate.name)

    def of_dead(self, candidate: Candidate, now: float) -> Form:
        """Return the form of one whose process has ended: only what it has sent can still do something."""
        return self._form(("dead", self._around(candidate, now)), candidate.name)

    def of_record(self, seen: Versioned) -> Form:
        """Return the form of a fact."""
        return self._form(self._plain(seen), "")

    def since(self, sent_at: float, now: float) -> float:
        """Return a time of sending relative to `now`, as far back as a term can count from it; seconds."""
        return self._sent_at if math.isinf(sent_at) else max(self._sent_at, round(sent_at - now, 6))

    def _around(self, candidate: Candidate, now: float) -> Any:
        limbo = [(self._plain(request), self.since(at, now)) for request, at in candidate.limbo.values()]
        is_under_way = candidate.pending is not None and not candidate.applied
        sent_at = self.since(candidate.sent_at, now) if is_under_way else 0.0
        pending = (self._plain(candidate.pending), is_under_way, sent_at)
        return (candidate.name, pending, tuple(limbo), self._term(candidate, now))

    def _term(self, candidate: Candidate, now: float) -> Any:
        term = candidate.term
        if term is None:
            return None
        left_s = 0.0 if term.over else max(0.0, round(term.deadline - candidate.clock.local(now), 6))
        return (term.token, left_s, term.over, term.body_runs)

    def _plain(self, value: Request | Versioned | None) -> Any:
        """Return the fingerprint of what has no times in it."""
        known = self._values.get(id(value))
        if known is None or known[0] is not value:
            if len(self._values) > _MOST_FORMS:
                self._values.clear()
            known = self._values[id(value)] = (value, fingerprint_of(value, 0.0, horizon=self._horizon))
        return known[1]

    def _form(self, facts: Any, name: str) -> Form:
        form = self._forms.get((name, facts))
        if form is None:
            if len(self._forms) > _MOST_FORMS:
                self._forms.clear()
            reading = _Reading(name, self._dropped, self._oldest, spread=self._spread)
            form = self._forms[name, facts] = reading.form(facts)
        return form


class _Reading:
    """Takes the numbers and names out of a fingerprint."""

    def __init__(self, name: str, dropped: set[str], oldest: dict[str, float], *, spread: bool) -> None:
        self._name = name
        self._dropped = dropped
        self._oldest = oldest
        self._spread = spread
        self._form = Form(next(_SERIALS), b"", [], [], [], [], [])
        self._sent: list[tuple[int, Any]] = []
        self._campaign = 0

    def form(self, facts: Any) -> Form:
        """Return the facts without their numbers and names, and these."""
        self._form.digest = _digest(self._read(facts))
        self._form.sent = [
            (Attempt(self._name, number), _digest((self._read(each), self._is_present(each))))
            for number, each in self._sent
        ]
        return self._form

    def _is_present(self, sent: Any) -> bool:
        return bool(dict(sent[1:]).get("campaign") == self._campaign)

    def _read(self, value: Any) -> Any:
        kind = type(value)
        if kind is FencingToken:
            self._form.versions.append(value.version)
            return ("token", value.epoch)
        if kind is Attempt:
            self._form.attempts.append(value)
            return "attempt"
        if kind is datetime:
            self._form.stamps.append(value)
            return "stamp"
        if kind is str and value in NAMES:
            self._form.names.append(value)
            return "name"
        if isinstance(value, tuple):
            if len(value) == 2 and type(value[0]) is str:
                return self._named(value[0].lstrip("_"), value[1])
            return tuple([self._read(each) for each in value])
        return value

    def _named(self, name: str, value: Any) -> Any:
        if name in self._dropped:
            return ()
        if name == "sent":
            self._sent = list(value)
            return ()
        if name == "campaign":
            self._campaign = max(self._campaign, value)
            return ()
        if name == "number":
            self._form.attempts.append(Attempt(self._name, value))
            return ()
        if name in _VERSIONS and value is not None:
            self._form.versions.append(value)
            return (name, "version")
        if name == "entered_at" and not self._spread:
            return (name, value is None)
        if value is not None and name in self._oldest:
            return (name, max(value, self._oldest[name]))
        return (name, self._read(value))


def _digest(value: Any) -> bytes:
    return blake2b(repr(value).encode(), digest_size=16).digest()
