"""Tally: what an election cost, and how often its leader changed."""

from __future__ import annotations

from collections import Counter

from tenure.events import Elected, Event
from tenure.requests import NoteRequest, Purpose, Request, WriteRequest
from tenure.testing.world import Candidate, Observer

__all__ = ["Tally"]


class Tally(Observer):
    """Counts.

    Attributes:
        reads: sent, by name of the candidate.
        writes: sent, by name of the candidate.
        notes: sent, by name of the candidate.
        acquisitions: how many of the writes were to begin a term.
        terms: how many began.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.reads: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.acquisitions = 0
        self.terms = 0

    def sent(self, candidate: Candidate, request: Request) -> None:
        if isinstance(request, WriteRequest):
            self.writes[candidate.name] += 1
            self.acquisitions += request.purpose is Purpose.ACQUIRE
        elif isinstance(request, NoteRequest):
            self.notes[candidate.name] += 1
        else:
            self.reads[candidate.name] += 1

    def said(self, candidate: Candidate, event: Event) -> None:
        self.terms += isinstance(event, Elected)
