"""Key: what tells two positions apart, as 16 bytes; positions with one key have the same future.

A core tells its state itself, relative to the time. Beyond that, versions and the numbers of attempts count by
their order alone, because a core only compares them: what matters of 7, 9 and 12 is that there are three. So
the renewals of a quiet leader lead back to where it was. What was never read again is left out: how often
the holder changed, and attempts that no record names any more, anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from tenure.fingerprint import fingerprint_of
from tenure.record import Attempt, Versioned
from tenure.testing.search_ledger import Entry
from tenure.testing.search_position import Position
from tenure.testing.search_steps import news_for
from tenure.testing.world import Candidate
from tenure.timing import Timing
from tenure.token import FencingToken

__all__ = ["Keys"]

_VERSIONS = {"version", "high_water", "knowing", "refused_version", "token_version"}
# Written and never read; `renew_time` follows from the attempt, which is written once.
_DROPPED = {"transitions", "renew_time"}
# They widen a random delay, and without randomness nothing.
_OF_THE_SPREAD = {"spread", "opened_at"}
# More forms than this are not kept: they take some kilobytes each.
_MOST_FORMS = 40_000


@dataclass(slots=True)
class _Form:
    """A part of a position: all but its numbers as a digest, and these in the order in which they stand."""

    digest: bytes
    versions: list[int]
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
        self._dropped = _DROPPED if spread else _DROPPED | _OF_THE_SPREAD
        self._spread = spread
        self._forms: dict[Any, _Form] = {}

    def key(self, position: Position) -> bytes:
        """Return the key of a position."""
        forms = [self._form_of_candidate(position, each) for each in position.candidates.values()]
        forms += [self._form(position.store.head, ""), *self._forms_of_news(position)]
        versions = sorted({version for form in forms for version in form.versions})
        ranks = {version: rank for rank, version in enumerate([v for v in versions if v > 0], start=1)}
        named = sorted({attempt for form in forms for attempt in form.attempts})
        numbers = {attempt: number for number, attempt in enumerate(named)}
        digest = blake2b(digest_size=16)
        for form in forms:
            digest.update(form.digest)
            sent = [(numbers[attempt], what) for attempt, what in form.sent if attempt in numbers]
            order = [ranks.get(v, v) for v in form.versions], [numbers[each] for each in form.attempts], sent
            digest.update(repr(order).encode())
        acquired = [ranks[version] for version in versions if version in position.acquired]
        deleted = [sum(v < version for v in position.deleted) for version in versions]
        digest.update(repr((acquired, deleted, position.left, sorted(position.dead))).encode())
        return digest.digest()

    def _forms_of_news(self, position: Position) -> list[_Form]:
        told: set[int] = set()
        news = []
        for name, candidate in position.candidates.items():
            if name not in position.dead:
                versions = news_for(candidate, position.store.version, position.left)
                told.update(versions)
                news.append((name, len(versions)))
        forms = [self._form(position.store.history[version], "") for version in sorted(told)]
        return [*forms, self._form(tuple(news), "")]

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
            (self._plain(request, now), self._past(sent_at, now)) for request, sent_at in candidate.limbo.values()
        ]
        around = (candidate.applied, self._plain(candidate.pending, now), tuple(limbo), self._term(candidate, now))
        if is_dead:
            return around
        core = candidate.core.fingerprint(candidate.clock.local(now))
        counted = (self._past(entry.counted_at, now), entry.led)
        sent_at = self._past(candidate.sent_at, now) if candidate.pending is not None else 0.0
        return (core, around, self._plain(candidate.outcome, now), counted, sent_at, candidate.paused)

    def _term(self, candidate: Candidate, now: float) -> Any:
        term = candidate.term
        if term is None:
            return None
        left_s = 0.0 if term.over else max(0.0, round(term.deadline - candidate.clock.local(now), 6))
        return (term.token, left_s, term.over, term.body_runs)

    def _past(self, at: float, now: float) -> float:
        return -self._horizon if math.isinf(at) else max(-self._horizon, round(at - now, 6))

    def _plain(self, value: object, now: float) -> Any:
        return fingerprint_of(value, now, horizon=self._horizon)

    def _form(self, facts: Any, name: str) -> _Form:
        if isinstance(facts, Versioned):
            facts = self._plain(facts, 0.0)
        form = self._forms.get((name, facts))
        if form is None:
            if len(self._forms) > _MOST_FORMS:
                self._forms.clear()
            form = self._forms[name, facts] = _Reading(name, self._dropped, spread=self._spread).form(facts)
        return form


class _Reading:
    """Takes the numbers out of a fingerprint."""

    def __init__(self, name: str, dropped: set[str], *, spread: bool) -> None:
        self._name = name
        self._dropped = dropped
        self._spread = spread
        self._versions: list[int] = []
        self._attempts: list[Attempt] = []
        self._sent: list[tuple[int, Any]] = []
        self._campaign = 0

    def form(self, facts: Any) -> _Form:
        """Return the facts without their numbers, and these."""
        shape = self._read(facts)
        sent = [
            (Attempt(self._name, number), _digest((self._read(each), self._is_present(each))))
            for number, each in self._sent
        ]
        return _Form(_digest(shape), self._versions, self._attempts, sent)

    def _is_present(self, sent: Any) -> bool:
        return dict(sent[1:]).get("campaign") == self._campaign

    def _read(self, value: Any) -> Any:
        kind = type(value)
        if kind is FencingToken:
            self._versions.append(value.version)
            return ("token", value.epoch)
        if kind is Attempt:
            self._attempts.append(value)
            return ("attempt", value.incarnation)
        if isinstance(value, tuple):
            if len(value) == 2 and type(value[0]) is str:
                return self._named(value[0].lstrip("_"), value[1])
            return tuple([self._read(each) for each in value])
        return str(value) if isinstance(value, datetime) else value

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
            self._attempts.append(Attempt(self._name, value))
            return ()
        if name in _VERSIONS and value is not None:
            self._versions.append(value)
            return (name, "version")
        if name == "entered_at" and not self._spread:
            return (name, value is None)
        return (name, self._read(value))


def _digest(value: Any) -> bytes:
    return blake2b(repr(value).encode(), digest_size=16).digest()
