"""TokensRise: strictly in the order of the acquiring writes, across deletion too (rule 9)."""

from __future__ import annotations

from bisect import bisect

from tenure.events import Elected, Event
from tenure.testing.checks.check import Check, Complain
from tenure.testing.chronicle import Chronicle
from tenure.testing.world import Candidate

__all__ = ["TokensRise"]


class TokensRise(Check):
    """Compares each new token with its write and with those around it.

    After a restore an operator has raised the epoch.
    """

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._tokens: list[tuple[int, int, int]] = []

    def said(self, candidate: Candidate, event: Event) -> None:
        if not isinstance(event, Elected) or candidate not in self._chronicle.terms:
            return
        if event.token.epoch != candidate.epoch:
            self._complain(
                f"an epoch of its own: {event.token.epoch}, that of {candidate.name} is {candidate.epoch}"
            )
        term = self._chronicle.terms[candidate]
        entry = (term.order, term.era, int(event.token))
        at = bisect(self._tokens, entry)
        self._tokens.insert(at, entry)
        around = [token for _, era, token in self._tokens[max(0, at - 1) : at + 2] if era == term.era]
        if around != sorted(set(around)) or event.token.version < term.after.version:
            self._complain(f"tokens do not rise: {around}, the last write made version {term.after.version}")
