"""A world in virtual time: candidates over one scripted store, with every request in the test's hands."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from tenure.election import Election
from tenure.events import Event
from tenure.record import Versioned
from tenure.requests import ReadRequest, Request, WriteRequest
from tests.core.store import ScriptedStore

__all__ = ["Candidate", "World"]

# More turns than this without time going on: the core asks to be called again and again for nothing.
_MOST_TURNS = 50


@dataclass
class Candidate:
    """One election with its clock, and what is between it and the store.

    Attributes:
        pending: the request under way.
        outcome: what the store made of it, if it got there: an observation, or None for a conflict.
        limbo: writes whose answer was lost before they were applied; they may yet be.
        connected: its requests reach the store at once and are answered after `latency_s`; it watches.
    """

    name: str
    election: Election
    rate: float = 1.0
    offset: float = 0.0
    pending: Request | None = None
    applied: bool = False
    outcome: Versioned | None = None
    limbo: dict[int, WriteRequest] = field(default_factory=dict)
    connected: bool = False
    latency_s: float = 0.0
    answer_at: float = math.inf
    watched: int = 0
    paused: bool = False

    def local(self, now: float) -> float:
        """Return what its clock shows."""
        return self.offset + now * self.rate

    def world_time(self, local: float) -> float:
        """Return when its clock shows `local`, or an instant later."""
        at = (local - self.offset) / self.rate
        while math.isfinite(at) and self.local(at) < local:
            at = math.nextafter(at, math.inf)
        return at


class World:
    """Candidates, store and time; `report` is told of every output."""

    def __init__(self, report: Callable[[Candidate, Event | Request], None] | None = None) -> None:
        self.now = 0.0
        self.store = ScriptedStore()
        self.candidates: dict[str, Candidate] = {}
        self._report = report or (lambda candidate, output: None)

    def add(self, candidate: Candidate) -> None:
        """Let a candidate in."""
        self.candidates[candidate.name] = candidate

    # ---- one candidate

    def turn(self, candidate: Candidate) -> int:
        """Do what a driver does after every input; return how many outputs there were."""
        outputs = 0
        while True:
            requests = candidate.election.requests_to_send(candidate.local(self.now))
            outputs += len(requests) + self._drain(candidate)
            if not requests:
                return outputs
            assert candidate.pending is None, "a second request while one is under way"
            assert len(requests) == 1
            candidate.pending, candidate.applied = requests[0], False
            self._report(candidate, requests[0])
            if not candidate.connected:
                return outputs
            self.apply(candidate)
            if candidate.latency_s:
                candidate.answer_at = self.now + candidate.latency_s
                return outputs
            self._hand_over(candidate)

    def _drain(self, candidate: Candidate) -> int:
        count = 0
        while (event := candidate.election.next_event()) is not None:
            self._report(candidate, event)
            count += 1
        return count

    def call(self, candidate: Candidate, method: str) -> None:
        """Call an input of the core that takes only the time."""
        getattr(candidate.election, method)(candidate.local(self.now))
        self.turn(candidate)
        self.spread_news()

    def apply(self, candidate: Candidate) -> None:
        """The request under way reaches the store; its answer does not come back yet."""
        request = candidate.pending
        assert request is not None, f"{candidate.name} has no request under way"
        if not candidate.applied:
            read = isinstance(request, ReadRequest)
            candidate.outcome = self.store.read() if read else self.store.apply(request)
            candidate.applied = True

    def _hand_over(self, candidate: Candidate) -> None:
        request, candidate.pending, candidate.answer_at = candidate.pending, None, math.inf
        local = candidate.local(self.now)
        if candidate.outcome is not None:
            candidate.election.receive_answer(request, candidate.outcome, local)
        else:
            candidate.election.receive_conflict(request, local)

    def deliver(self, candidate: Candidate) -> None:
        """The answer arrives (the request is applied now, if it was not before)."""
        self.apply(candidate)
        self._hand_over(candidate)
        self.turn(candidate)
        self.spread_news()

    def fail(self, candidate: Candidate, *, refused: bool = False, retry_after_s: float = 0.0) -> None:
        """No answer arrives; a write that was not applied yet goes into limbo, unless it was refused."""
        request, candidate.pending = candidate.pending, None
        assert request is not None, f"{candidate.name} has no request under way"
        if isinstance(request, WriteRequest) and not refused and not candidate.applied:
            candidate.limbo[request.attempt.number] = request
        candidate.election.receive_failure(
            request, candidate.local(self.now), refused=refused, retry_after_s=retry_after_s
        )
        self.turn(candidate)

    def apply_late(self, candidate: Candidate, number: int) -> bool:
        """A write from limbo reaches the store; return whether it was accepted."""
        return self.store.apply(candidate.limbo.pop(number)) is not None

    def watch(self, candidate: Candidate, seen: Versioned) -> None:
        """A watch event arrives."""
        candidate.election.receive_record(seen, candidate.local(self.now))
        self.turn(candidate)
        self.spread_news()

    # ---- all candidates

    def spread_news(self) -> None:
        """Every connected candidate learns of every change."""
        for candidate in list(self.candidates.values()):
            while candidate.connected and not candidate.paused and candidate.watched < self.store.version:
                candidate.watched += 1
                candidate.election.receive_record(
                    self.store.history[candidate.watched], candidate.local(self.now)
                )
                self.turn(candidate)

    def next_timer(self, candidate: Candidate) -> float:
        """Return when it wants to be called, or gets its answer, in the time of the world."""
        timer = candidate.election.get_timer()
        return min(candidate.answer_at, math.inf if timer is None else candidate.world_time(timer))

    def advance(self, until: float, *, check: Callable[[], None] = lambda: None) -> None:
        """Let time go on, with every timer fired when it is due."""
        turns = 0
        while (due := self._first_due(until)) is not None:
            candidate, at = due
            turns = turns + 1 if at <= self.now else 0
            assert turns < _MOST_TURNS, f"{candidate.name} is busy for nothing at {self.now}"
            self.now = max(self.now, at)
            self._fire(candidate)
            check()
        self.now = until

    def _fire(self, candidate: Candidate) -> None:
        if candidate.answer_at <= self.now:
            self.deliver(candidate)
            return
        candidate.election.handle_timer(candidate.local(self.now))
        self.turn(candidate)
        self.spread_news()

    def _first_due(self, until: float) -> tuple[Candidate, float] | None:
        awake = [(c, self.next_timer(c)) for c in self.candidates.values() if not c.paused]
        soonest = min(awake, key=lambda each: each[1], default=None)
        return soonest if soonest is not None and soonest[1] <= until else None
