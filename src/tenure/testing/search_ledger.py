"""Ledger: what the exhaustive search holds against the candidates of a world, from what it sees alone.

It asks no core for its state: terms are those that the programs were told of, writes those that the store
accepted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tenure.events import CampaignStarted, Elected, Event
from tenure.record import Record, Versioned
from tenure.requests import Purpose, Request, WriteRequest
from tenure.testing.world import Candidate, Change, Observer

__all__ = ["Entry", "Ledger"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is noted of one candidate.

    Attributes:
        counted_at: when the newest of its writes that was accepted was sent; true time, seconds.
        led: it has led since its campaign started.
        token: version in the token of its last term; -1: it never led.
    """

    counted_at: float = -math.inf
    led: bool = False
    token: int = -1


class Ledger(Observer):
    """Looks at every event, request and change, and names the first rule that is broken.

    Args:
        renew_deadline: D; seconds.
        gap: a leader that cannot see a deletion may be valid beside one that came after it (rule 4).

    Attributes:
        entries: by name of candidate.
        acquired: versions that were written to win, each with the name of its author.
        deleted: versions at which the record was deleted.
        fault: what is wrong; empty: nothing.
    """

    def __init__(self, renew_deadline: float, *, gap: bool) -> None:
        self._renew_deadline = renew_deadline
        self._gap = gap
        self.entries: dict[str, Entry] = {}
        self.acquired: tuple[tuple[int, str], ...] = ()
        self.deleted: tuple[int, ...] = ()
        self.fault = ""

    def said(self, candidate: Candidate, event: Event) -> None:
        """Check the token of a term (rule 9)."""
        if isinstance(event, Elected):
            version = event.token.version
            if (version, candidate.name) not in self.acquired or version <= self._entry(candidate).token:
                self._blame(f"token {version} of {candidate.name} is not that of a new acquisition (rule 9)")
            self._note(candidate, led=True, token=version)
        elif isinstance(event, CampaignStarted):
            self._note(candidate, led=False)

    def sent(self, candidate: Candidate, request: Request) -> None:
        """Check that nothing goes out for a term that is over (rule 1)."""
        if not isinstance(request, WriteRequest) or request.purpose is Purpose.ACQUIRE:
            return
        entry = self._entry(candidate)
        # A release of what was won too late to lead is none of a term: its compare-and-swap alone guards it.
        of_a_term = entry.led or request.purpose is Purpose.RENEW
        if of_a_term and candidate.sent_at > entry.counted_at + self._renew_deadline:
            self._blame(f"{candidate.name} sends a {request.purpose.value} after its term (rule 1)")

    def changed(self, change: Change) -> None:
        """Check that only an acquisition replaces what another wrote (rule 6)."""
        author, request = change.author, change.request
        if author is None or request is None:
            self.deleted = (*self.deleted, change.after.version)
            return
        if request.purpose is Purpose.ACQUIRE:
            self.acquired = (*self.acquired, (change.after.version, author.name))
        elif _writer_of(change.before) != author.name:
            self._blame(f"a {request.purpose.value} of {author.name} replaces the record of another (rule 6)")
        if request.purpose is not Purpose.RELEASE:
            self._note(author, counted_at=change.sent_at)

    def failed(self, error: str) -> None:
        """A core did what no core may do, and was stopped."""
        self._blame(error)

    def check_leaders(self, candidates: Iterable[Candidate], now: float) -> None:
        """Check that at most one candidate has a valid term at the true time `now`."""
        leaders = [each for each in candidates if each.has_valid_term(now)]
        if len(leaders) > 1 and not self._is_gap(leaders):
            self._blame(f"TWO LEADERS: {' and '.join(each.name for each in leaders)}")

    def _is_gap(self, leaders: list[Candidate]) -> bool:
        """Tell whether a deletion lies between any two of the terms."""
        tokens = [each.term.token.version for each in leaders if each.term is not None]
        eras = {sum(version < token for version in self.deleted) for token in tokens}
        return self._gap and len(eras) == len(leaders)

    def _entry(self, candidate: Candidate) -> Entry:
        return self.entries.get(candidate.name, Entry())

    def _note(self, candidate: Candidate, **what: Any) -> None:
        self.entries = {**self.entries, candidate.name: replace(self._entry(candidate), **what)}

    def _blame(self, fault: str) -> None:
        self.fault = self.fault or fault


def _writer_of(seen: Versioned) -> str:
    """Return the incarnation that a record names, which in transcripts is a name."""
    record = seen.record
    return record.attempt.incarnation if isinstance(record, Record) and record.attempt is not None else ""
