"""Key: what tells two positions apart, as 16 bytes; positions with one key have the same future.

A core tells its state itself, relative to the time. Beyond that, versions and the numbers of attempts count by
their order alone, because a core only compares them: what matters of 7, 9 and 12 is that there are three. So
the renewals of a quiet leader lead back to where it was. Names are numbered too, in an order that does not
depend on them: a position in which two candidates have changed places is the same. What is never read again
is left out: how often the holder changed, and attempts that no record names any more, anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from tenure.fingerprint import fingerprint_of
from tenure.record import Attempt, Versioned
from tenure.requests import Request, WriteRequest
from tenure.testing.search_ledger import Entry
from tenure.testing.search_position import NAMES, Position
from tenure.testing.search_steps import news_for
from tenure.testing.world import Candidate
from tenure.timing import Timing
from tenure.token import FencingToken

__all__ = ["Keys"]

_VERSIONS = {"version", "high_water", "knowing", "refused_version", "token_version"}
# Written and never read.
_DROPPED = {"transitions"}
# They widen a random delay, and without randomness nothing.
_OF_THE_SPREAD = {"spread", "opened_at"}
# More forms than this are not kept: they take some kilobytes each.
_MOST_FORMS = 40_000


@dataclass(slots=True)
class _Form:
    """A part of a position: all but its numbers and names as a digest, and these in the order in which they stand."""

    digest: bytes
    versions: list[int]
    stamps: list[datetime]
    names: list[str]
    attempts: list[Attempt]
    sent: list[tuple[Attempt, bytes]]


class Keys:
    """Makes keys.

    Args:
        timing: of the candidates.
        spread: their random delays can be other than 0.
    """

    def __init__(self, timing: Timing, *, spread: bool) -> None:
        self._horizon = 2 * timing.lease_duration
        # Times that count no longer than this.
        self._oldest = {"last_sent_at": -timing.retry_period, "changed_at": -timing.lease_duration}
        self._counted = timing.renew_deadline + timing.renew_period
        self._dropped = _DROPPED if spread else _DROPPED | _OF_THE_SPREAD
        self._spread = spread
        self._forms: dict[Any, _Form] = {}
        self._values: dict[int, tuple[object, Any]] = {}

    def key(self, position: Position) -> bytes:
        """Return the key of a position."""
        candidates = [(self._form_of_candidate(position, each), each) for each in position.candidates.values()]
        candidates.sort(key=lambda each: each[0].digest)
        forms = [form for form, _ in candidates]
        forms.append(self._form(self._plain(position.store.head)))
        untold = self._untold(position, [each for _, each in candidates])
        for version in sorted({version for versions in untold for version in versions}):
            forms.append(self._form(self._plain(position.store.history[version])))
        names = {each.name: number for number, (_, each) in enumerate(candidates)}
        rest = ([len(versions) for versions in untold], position.left)
        return self._joined(position, forms, names, rest)

    def _joined(self, position: Position, forms: list[_Form], names: dict[str, int], rest: object) -> bytes:
        versions = sorted({version for form in forms for version in form.versions})
        ranks = {version: rank for rank, version in enumerate([v for v in versions if v > 0], start=1)}
        stamps = {stamp: rank for rank, stamp in enumerate(sorted({s for form in forms for s in form.stamps}))}
        named = {attempt for form in forms for attempt in form.attempts}
        numbered = sorted((names[attempt.incarnation], attempt.number, attempt) for attempt in named)
        attempts = {attempt: (name, rank) for rank, (name, _, attempt) in enumerate(numbered)}
        digest = blake2b(digest_size=16)
        for form in forms:
            digest.update(form.digest)
            numbers = (
                [ranks.get(version, version) for version in form.versions],
                [stamps[stamp] for stamp in form.stamps],
                [names[name] for name in form.names],
                [attempts[attempt] for attempt in form.attempts],
                [(attempts[attempt], what) for attempt, what in form.sent if attempt in attempts],
            )
            digest.update(repr(numbers).encode())
        acquired = [ranks[version] for version in versions if version in position.acquired]
        deleted = [sum(v < version for v in position.deleted) for version in versions]
        digest.update(repr((acquired, deleted, rest)).encode())
        return digest.digest()

    def _untold(self, position: Position, candidates: list[Candidate]) -> list[range]:
        newest, left = position.store.version, position.left
        return [
            range(0) if each.name in position.dead else news_for(each, newest, left) for each in candidates
        ]

    def _form_of_candidate(self, position: Position, candidate: Candidate) -> _Form:
        form = position.forms.get(candidate.name)
        if form is None:
            now, entry = position.now, position.entries.get(candidate.name, Entry())
            is_dead = candidate.name in position.dead
            form = self._form(self._facts(candidate, entry, now, is_dead=is_dead), candidate.name)
            position.forms[candidate.name] = form
        return form

    def _facts(self, candidate: Candidate, entry: Entry, now: float, *, is_dead: bool) -> Any:
        limbo = [
            (self._plain(request), self._past(sent_at, now)) for request, sent_at in candidate.limbo.values()
        ]
        pending = self._plain(candidate.pending)
        around = (candidate.name, candidate.applied, pending, tuple(limbo), self._term(candidate, now))
        if is_dead:
            return ("dead", around)
        core = candidate.core.fingerprint(candidate.clock.local(now))
        counted = (self._past(entry.counted_at, now), entry.led)
        writes = isinstance(candidate.pending, WriteRequest) and not candidate.applied
        sent_at = self._past(candidate.sent_at, now) if writes else 0.0
        return (core, around, self._plain(candidate.outcome), counted, sent_at, candidate.paused)

    def _term(self, candidate: Candidate, now: float) -> Any:
        term = candidate.term
        if term is None:
            return None
        left_s = 0.0 if term.over else max(0.0, round(term.deadline - candidate.clock.local(now), 6))
        return (term.token, left_s, term.over, term.body_runs)

    def _past(self, at: float, now: float) -> float:
        return -self._counted if math.isinf(at) else max(-self._counted, round(at - now, 6))

    def _plain(self, value: Request | Versioned | None) -> Any:
        """Return the fingerprint of what has no times in it."""
        known = self._values.get(id(value))
        if known is None or known[0] is not value:
            if len(self._values) > _MOST_FORMS:
                self._values.clear()
            known = self._values[id(value)] = (value, fingerprint_of(value, 0.0, horizon=self._horizon))
        return known[1]

    def _form(self, facts: Any, name: str = "") -> _Form:
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
        self._form = _Form(b"", [], [], [], [], [])
        self._sent: list[tuple[int, Any]] = []
        self._campaign = 0

    def form(self, facts: Any) -> _Form:
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
        if name in self._oldest:
            return (name, max(value, self._oldest[name]))
        return (name, self._read(value))


def _digest(value: Any) -> bytes:
    return blake2b(repr(value).encode(), digest_size=16).digest()
