"""Witness: sees by true time what the bodies of one election do, and tells what none of them may do."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tenure import LeaderElector, Term
from tenure.events import CampaignStarted, Elected, Event, LossReason, Lost, Overrun, Renewed
from tenure.lock import Lock, LockSession
from tenure.record import Record, Versioned
from tenure.testing.virtual_time import Machine, true_time

__all__ = ["Candidate", "OverheardLock", "Witness"]


class OverheardLock:
    """A lock that tells of each record that somebody is about to write over another."""

    def __init__(self, lock: Lock, tell: Callable[[Record], None]) -> None:
        self._lock = lock
        self._tell = tell

    def describe(self) -> str:
        return self._lock.describe()

    @property
    def election(self) -> str:
        return self._lock.election

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        async with self._lock.open() as session:
            yield _OverheardSession(session, self._tell)


class _OverheardSession:
    def __init__(self, session: LockSession, tell: Callable[[Record], None]) -> None:
        self.read, self.create, self.watch = session.read, session.create, session.watch
        self._replace = session.replace
        self._tell = tell

    async def replace(self, base: Versioned, record: Record, *, timeout: float) -> Versioned:
        self._tell(record)
        return await self._replace(base, record, timeout=timeout)


class Candidate:
    """One process with one elector, and the body that it runs, if it runs one."""

    def __init__(self, name: str, machine: Machine, witness: Witness) -> None:
        self.name = name
        self.machine = machine
        self.witness = witness
        self.term: Term | None = None  # of the body that runs
        self.has_overrun = False
        self.takes_sigterm = False
        self.deadline = math.inf  # of its term, as it was told; by its own clock

    def use(self, elector: LeaderElector) -> None:
        """Campaign with this elector."""
        self.elector = elector
        elector.subscribe(lambda event: self.witness.hears(self, event))

    def about_to_write(self, record: Record) -> None:
        """It sends a write that replaces a record."""
        if not record.holder and self.term is not None:
            self.witness.blame(self, "releases while its body runs")
        # (One that proves a record which it created renews it before it leads.)
        if record.token is not None and not self.witness.proving and self.machine.time() >= self.deadline:
            self.witness.blame(self, "renews a term that is over")

    def leads(self) -> bool:
        """Tell whether it believes to lead, by its own clock."""
        with self.machine.here():
            return self.elector.is_leader()

    def holds_valid_term(self) -> bool:
        """Tell whether its body has a valid term, by its own clock."""
        with self.machine.here():
            return self.term is not None and self.term.is_valid()


class Witness:
    """Knows the true time and every body; knows nothing of how an election works.

    Args:
        proving: the candidates hold records before they lead (``on_missing="wait"``).
        comparable_tokens: all of them are counted by one store.
    """

    def __init__(self, *, proving: bool, comparable_tokens: bool) -> None:
        self.proving = proving
        self._comparable_tokens = comparable_tokens
        self.candidates: list[Candidate] = []
        self.faults: list[str] = []
        self.told: list[str] = []
        self.terms = 0
        self.acts_done = 0
        self._newest = 0
        self._stored = 0

    def tell(self, candidate: Candidate | None, what: str) -> None:
        """Add a line to the story."""
        self.told.append(f"{true_time():.3f} {candidate.name if candidate else 'scene'}: {what}")

    def blame(self, candidate: Candidate, what: str) -> None:
        """Something happened that must not."""
        self.tell(candidate, f"FAULT: {what}")
        self.faults.append(self.told[-1])

    def hears(self, candidate: Candidate, event: Event) -> None:
        """Take in what an elector tells."""
        self.tell(candidate, repr(event))
        if isinstance(event, CampaignStarted) and candidate.term is not None:
            self.blame(candidate, "campaigns while its old body runs")
        if isinstance(event, Elected | Renewed):
            candidate.deadline = event.deadline
        if isinstance(event, Lost):
            candidate.deadline = -math.inf
        if isinstance(event, Lost) and event.reason is LossReason.INTERNAL_ERROR:
            self.blame(candidate, "tenure itself failed")
        if isinstance(event, Overrun):
            candidate.has_overrun = True

    def sees_begin(self, candidate: Candidate, term: Term) -> None:
        """A body begins."""
        self.tell(candidate, f"body of term {term.token} begins")
        self.terms += 1
        if candidate.term is not None:
            self.blame(candidate, f"runs two bodies, of {candidate.term.token} and {term.token}")
        candidate.term, candidate.has_overrun = term, False
        if term.is_valid():
            if self._comparable_tokens and int(term.token) <= self._newest:
                self.blame(candidate, f"term {term.token} follows {self._newest}")
            self._newest = int(term.token)
            self._look_for_others(candidate)

    def sees_act(self, candidate: Candidate, term: Term) -> None:
        """A body does something that only a leader may do, if it finds its term valid."""
        self.look()
        if candidate.holds_valid_term():
            self.acts_done += 1
            self._look_for_others(candidate)
            if self._comparable_tokens and int(term.token) < self._stored:
                self.blame(candidate, f"{term.token} writes to a store that has seen {self._stored}")
            self._stored = int(term.token)

    def sees_end(self, candidate: Candidate) -> None:
        """A body has ended."""
        self.tell(candidate, f"body of term {candidate.term and candidate.term.token} has ended")
        candidate.term = None

    def look(self) -> None:
        """Look at everybody at this instant."""
        leaders = [candidate for candidate in self.candidates if candidate.leads()]
        if len(leaders) > 1:
            self.blame(leaders[0], f"leads beside {', '.join(other.name for other in leaders[1:])}")

    def _look_for_others(self, candidate: Candidate) -> None:
        """The term of `candidate` is valid now: no other is, and no older body runs untold."""
        for other in self.candidates:
            if other is candidate or other.term is None:
                continue
            if other.holds_valid_term():
                self.blame(candidate, f"has a valid term, and so has {other.name}")
            elif not other.has_overrun and not other.machine.is_paused():
                self.blame(candidate, f"acts while the body of {other.name} runs on and nobody was told")
