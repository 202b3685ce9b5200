"""Ledger: what exhaustive search holds against the candidates of a world, from what it sees alone.

It asks no core for its state: terms are those that the programs were told of, writes those that the store
accepted.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from tenure.events import CampaignStarted, Elected, Event, Renewed
from tenure.record import Record, Versioned
from tenure.requests import Purpose, Request, WriteRequest
from tenure.testing.world import Candidate, Change

__all__ = ["Entry", "Ledger", "Rule", "Win"]


class Rule(StrEnum):
    """What is checked in every state."""

    ONE_LEADER = "at most one term is valid"
    ENDING = "a term that is over stays over, and nothing is sent for it"
    LOSING = "a leader that is told of a deletion has lost, and never renews in another object"
    BODIES = "no term begins, and nothing is freed, while a body of this process runs"
    RELEASING = "only an acquisition replaces what another wrote"
    TOKENS = "the token of a term is the version of a new acquisition, so tokens rise with them"
    SOUNDNESS = "a core raises nothing, and asks for one thing at a time"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is noted of one candidate.

    Attributes:
        counted_at: when the last sent of its writes that were accepted was sent; true time, seconds.
        led: it has led since its campaign started.
        body_runs: the body of its last term has not ended.
        token: version in the token of its last term; -1: it never led.
        ends_at: when that term is over, by its clock; seconds.
        bereft: it was told since that the record was deleted.
        known: the newest version that it was told of.
        last_sight: `known`, when it was first told of a deletion or something newer; -1: it was not yet.
        sent: the number of its last write.
        sent_unaware: `sent`, when it was first told so.
    """

    counted_at: float = -math.inf
    led: bool = False
    body_runs: bool = False
    token: int = -1
    ends_at: float = -math.inf
    bereft: bool = False
    known: int = -1
    last_sight: int = -1
    sent: int = 0
    sent_unaware: int = 0


class Win(NamedTuple):
    """A write that won the record.

    Attributes:
        version: that it made.
        name: of its author.
        uid: of the object.
        informed: it was sent when its author knew the last version before the deletion, and of that.
    """

    version: int
    name: str
    uid: str
    informed: bool


class Ledger:
    """Looks at every event, request and change, and names the first rule that is broken.

    Args:
        renew_deadline: D; seconds.
        rules: that are checked.
        gap: a leader that cannot see a deletion may be valid beside one that came after it and does not
            know of it (rule 4).

    Attributes:
        entries: by name of candidate.
        wins: all of them.
        deletions: the versions that they made.
        fault: what is wrong; empty: nothing.
    """

    def __init__(self, renew_deadline: float, rules: Collection[Rule], *, gap: bool) -> None:
        self._renew_deadline = renew_deadline
        self._rules = rules
        self._gap = gap
        self.entries: dict[str, Entry] = {}
        self.wins: tuple[Win, ...] = ()
        self.deletions: tuple[int, ...] = ()
        self.fault = ""

    # ---- what happens

    def said(self, candidate: Candidate, event: Event, now: float) -> None:
        """A core told something, at the true time `now`."""
        entry, name = self._entry(candidate), candidate.name
        if isinstance(event, Elected):
            version = event.token.version
            if version <= entry.token or not any(
                (win.version, win.name) == (version, name) for win in self.wins
            ):
                self._blame(Rule.TOKENS, f"the token {version} of {name} is that of no new acquisition")
            if entry.body_runs:
                self._blame(Rule.BODIES, f"a term of {name} begins while the body of its last one runs")
            self._note(name, led=True, body_runs=True, token=version, ends_at=event.deadline, bereft=False)
        elif isinstance(event, Renewed):
            if candidate.clock.local(now) >= entry.ends_at:
                self._blame(Rule.ENDING, f"{name} goes on with a term that was over")
            self._note(name, ends_at=event.deadline)
        elif isinstance(event, CampaignStarted):
            self._note(name, led=False)

    def sent(self, candidate: Candidate, request: Request) -> None:
        """A request went out."""
        if isinstance(request, WriteRequest):
            self._note(candidate.name, sent=request.attempt.number)
        if not isinstance(request, WriteRequest) or request.purpose is Purpose.ACQUIRE:
            return
        entry = self._entry(candidate)
        # A release of what was won too late to lead is none of a term: its compare-and-swap alone guards it.
        of_a_term = entry.led or request.purpose is Purpose.RENEW
        if of_a_term and candidate.sent_at > entry.counted_at + self._renew_deadline:
            self._blame(Rule.ENDING, f"{candidate.name} sends a {request.purpose.value} after its term")

    def changed(self, change: Change) -> None:
        """The record changed."""
        author, request = change.author, change.request
        if author is None or request is None:
            self.deletions = (*self.deletions, change.after.version)
            return
        if request.purpose is Purpose.ACQUIRE:
            informed = self._is_informed(self._entry(author), request)
            self.wins = (*self.wins, Win(change.after.version, author.name, change.after.uid, informed))
        elif _writer_of(change.before) != author.name:
            self._blame(
                Rule.RELEASING, f"a {request.purpose.value} of {author.name} replaces the record of another"
            )
        elif request.purpose is Purpose.RENEW and change.before.uid != self._uid_held_by(author):
            self._blame(Rule.LOSING, f"{author.name} renews its term in another object")
        if request.purpose is Purpose.RELEASE and self._entry(author).body_runs:
            self._blame(Rule.BODIES, f"{author.name} has freed the record while its body runs")
        if request.purpose is not Purpose.RELEASE:
            # A create that was under way can be accepted after a later one, if that was deleted meanwhile.
            self._note(author.name, counted_at=max(self._entry(author).counted_at, change.sent_at))

    def told(self, candidate: Candidate, seen: Versioned, *, by_watch: bool) -> None:
        """A candidate is about to take in what it saw."""
        entry = self._entry(candidate)
        is_absent = seen.record is None
        if self.deletions and entry.last_sight < 0 and (is_absent or seen.version > self.deletions[0]):
            self._note(candidate.name, last_sight=entry.known, sent_unaware=entry.sent)
        if by_watch and is_absent and seen.version > entry.token:
            self._note(candidate.name, bereft=True)
        self._note(candidate.name, known=max(entry.known, seen.version))

    def body_ended(self, candidate: Candidate) -> None:
        """The body of its last term has ended."""
        self._note(candidate.name, body_runs=False)

    def failed(self, error: str) -> None:
        """A core did what no core may do, and was stopped."""
        self._blame(Rule.SOUNDNESS, error)

    # ---- what must hold at any time

    def look(self, candidates: Iterable[Candidate], now: float) -> None:
        """Compare the terms that are valid at the true time `now`."""
        leaders = [each for each in candidates if each.has_valid_term(now)]
        for leader in leaders:
            if self._entry(leader).bereft:
                self._blame(Rule.LOSING, f"{leader.name} leads on although it was told of the deletion")
        if len(leaders) > 1 and not self._is_gap(leaders):
            self._blame(Rule.ONE_LEADER, f"TWO LEADERS: {' and '.join(each.name for each in leaders)}")

    def _is_gap(self, leaders: list[Candidate]) -> bool:
        """Tell whether a deletion lies between the terms, and neither leader could know better."""
        tokens = sorted(each.term.token.version for each in leaders if each.term is not None)
        between = [each for each in self.deletions if tokens[0] < each < tokens[-1]]
        could_know = any(win.informed for win in self.wins if win.version == tokens[-1])
        could_know = could_know or any(self._entry(leader).bereft for leader in leaders)
        return self._gap and len(leaders) == 2 and bool(between) and not could_know

    def _is_informed(self, author: Entry, request: WriteRequest) -> bool:
        aware = request.attempt.number > author.sent_unaware
        return bool(self.deletions) and aware and author.last_sight == self.deletions[-1] - 1

    def _uid_held_by(self, author: Candidate) -> str:
        """Return in which object the term of a leader, or the newest win of one to be, began."""
        entry = self._entry(author)
        own = [
            win
            for win in self.wins
            if win.name == author.name and (win.version == entry.token or not entry.led)
        ]
        return own[-1].uid if own else ""

    def _entry(self, candidate: Candidate) -> Entry:
        return self.entries.get(candidate.name, Entry())

    def _note(self, name: str, **what: Any) -> None:
        self.entries = {**self.entries, name: replace(self.entries.get(name, Entry()), **what)}

    def _blame(self, rule: Rule, fault: str) -> None:
        if rule in self._rules:
            self.fault = self.fault or fault


def _writer_of(seen: Versioned) -> str:
    """Return the incarnation that a record names, which in transcripts is a name."""
    record = seen.record
    return record.attempt.incarnation if isinstance(record, Record) and record.attempt is not None else ""
