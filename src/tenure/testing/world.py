"""World: candidates over one record, where every request and every answer is a step in the caller's hands.

The steps are those of a transcript; the simulation and exhaustive search take the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from tenure.election import OnMissing
from tenure.events import Elected, Event, Lost, Renewed
from tenure.handover import Preference
from tenure.record import Record, UnreadableRecord, Versioned
from tenure.requests import NoteRequest, ReadRequest, Request, WriteRequest
from tenure.states import State
from tenure.testing.machine import MachineClock
from tenure.testing.store import RecordStore
from tenure.timing import Timing
from tenure.token import FencingToken

__all__ = ["Candidate", "Change", "Core", "Observer", "SeenTerm", "World"]

# More turns than this without time going on: the core asks to be called again and again for nothing.
_MOST_TURNS = 50


class Core(Protocol):
    """What is simulated: `tenure.election.Election`, or an election of your own in the same shape."""

    @property
    def state(self) -> State:
        """Where it stands; it is told to campaign when it is idle."""
        ...

    @property
    def newest(self) -> Versioned | None: ...
    def campaign(self, now: float) -> None: ...
    def resign(self, now: float) -> None: ...
    def transfer(self, to: str, now: float) -> None: ...
    def set_eligible(self, eligible: bool, now: float) -> None: ...
    def body_ended(self, now: float) -> None: ...
    def receive_record(self, seen: Versioned, now: float) -> None: ...
    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None: ...
    def receive_conflict(self, request: WriteRequest | NoteRequest, now: float) -> None: ...
    def receive_failure(
        self, request: Request, now: float, *, retry_after_s: float = 0.0, refused: bool = False
    ) -> None: ...
    def refresh(self, now: float) -> None: ...
    def handle_timer(self, now: float) -> None: ...
    def requests_to_send(self, now: float) -> list[Request]: ...
    def get_timer(self) -> float | None: ...
    def next_event(self) -> Event | None: ...


@dataclass(slots=True)
class SeenTerm:
    """A term as the program that holds it was told of it; nothing that a core says of itself.

    Attributes:
        token: its fencing token.
        deadline: when it is over unless it is renewed; in seconds of the holder's clock.
        over: it was lost, or its body has ended.
        body_runs: its body has not ended.
    """

    token: FencingToken
    deadline: float
    over: bool = False
    body_runs: bool = True


@dataclass(eq=False)
class Candidate:
    """One election with its clock, and what is between it and the store.

    Attributes:
        name: of this process, in transcripts.
        core: decides.
        clock: of its machine.
        timing: of its core.
        on_missing: of its core.
        identity: that it campaigns under; empty: its name.
        epoch: of its core.
        preference: of its core.
        term: the last one that it was told of.
        pending: the request under way.
        sent_at: when that was sent; true time, seconds.
        outcome: what the store made of it, if it got there: an observation, or None for a conflict.
        limbo: writes whose answer was lost before they were applied, with the time of their sending; they
            may yet be.
        connected: its requests reach the store at once and are answered after `latency_s`; it watches.
        paused: its process stands still.
    """

    name: str
    core: Core
    clock: MachineClock = field(default_factory=MachineClock)
    timing: Timing = field(default_factory=Timing)
    on_missing: OnMissing = "create"
    epoch: int = 0
    identity: str = ""
    preference: Preference = field(default_factory=Preference)
    term: SeenTerm | None = None
    pending: Request | None = None
    sent_at: float = -math.inf
    applied: bool = False
    outcome: Versioned | None = None
    limbo: dict[int, tuple[WriteRequest, float]] = field(default_factory=dict)
    connected: bool = False
    latency_s: float = 0.0
    answer_at: float = math.inf
    watched: int = 0
    paused: bool = False

    def has_valid_term(self, now: float) -> bool:
        """Tell whether its program, asking at the true time `now`, would find its term valid."""
        term = self.term
        return term is not None and not term.over and self.clock.local(now) < term.deadline


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the record, as it truly happened.

    Attributes:
        at: true time, seconds.
        before: what was there.
        after: what is there now.
        author: the candidate whose write it was; None: a hand that meddled.
        request: that write.
        sent_at: when it was sent; true time, seconds.
    """

    at: float
    before: Versioned
    after: Versioned
    author: Candidate | None = None
    request: WriteRequest | None = None
    sent_at: float = -math.inf


class Observer:
    """Sees everything that truly happens in a world, right after it has; a base for those who want some.

    Attributes:
        world: that it sees, once there is one.
    """

    world: World

    def said(self, candidate: Candidate, event: Event) -> None:
        """A core told something."""

    def sent(self, candidate: Candidate, request: Request) -> None:
        """A request went out."""

    def changed(self, change: Change) -> None:
        """The record changed."""

    def learned(self, candidate: Candidate, seen: Versioned) -> None:
        """A fact about the record reached it; its core has not yet been told."""

    def body_ended(self, candidate: Candidate) -> None:
        """The body of its last term has ended."""

    def woke(self, candidate: Candidate) -> None:
        """Its process runs again, and nothing has been done yet."""


class World:
    """Candidates, record and true time.

    Args:
        observers: are told of everything.

    Attributes:
        now: true time, seconds.
    """

    def __init__(self, *observers: Observer) -> None:
        self.now = 0.0
        self.store = RecordStore()
        self.candidates: dict[str, Candidate] = {}
        for observer in observers:
            observer.world = self
        self._said = _listeners(observers, "said")
        self._sent = _listeners(observers, "sent")
        self._changed = _listeners(observers, "changed")
        self._learned = _listeners(observers, "learned")
        self._body_ended = _listeners(observers, "body_ended")
        self._woke = _listeners(observers, "woke")
        self._connected: list[Candidate] = []

    def add(self, candidate: Candidate) -> None:
        """Let a candidate in."""
        self.candidates[candidate.name] = candidate

    # ---- one candidate

    def call(self, candidate: Candidate, method: str) -> None:
        """Call an input of the core that takes only the time."""
        getattr(candidate.core, method)(candidate.clock.local(self.now))
        if method == "body_ended" and candidate.term is not None and candidate.term.body_runs:
            candidate.term.over, candidate.term.body_runs = True, False
            for body_ended in self._body_ended:
                body_ended(candidate)
        self._turn(candidate)
        self._spread_news()

    def transfer(self, candidate: Candidate, to: str) -> None:
        """It is told to give up its term for another."""
        candidate.core.transfer(to, candidate.clock.local(self.now))
        self._turn(candidate)
        self._spread_news()

    def set_eligible(self, candidate: Candidate, eligible: bool) -> None:
        """It is told whether it may campaign and lead."""
        candidate.core.set_eligible(eligible, candidate.clock.local(self.now))
        self._turn(candidate)
        self._spread_news()

    def fire(self, candidate: Candidate) -> None:
        """Its timer is due."""
        candidate.core.handle_timer(candidate.clock.local(self.now))
        self._turn(candidate)
        self._spread_news()

    def pause(self, candidate: Candidate) -> None:
        """Its process stands still: no timer of it fires."""
        candidate.paused = True

    def crash(self, candidate: Candidate) -> None:
        """Its process ends at once and for good; a write under way may yet reach the store."""
        request, candidate.pending = candidate.pending, None
        if isinstance(request, WriteRequest) and not candidate.applied:
            candidate.limbo[request.attempt.number] = (request, candidate.sent_at)
        if candidate.term is not None:
            candidate.term.over, candidate.term.body_runs = True, False
        candidate.paused = True
        self.disconnect(candidate)

    def wake(self, candidate: Candidate) -> None:
        """It goes on; whether its timer fires first, or something arrives, is the caller's choice."""
        candidate.paused = False
        for woke in self._woke:
            woke(candidate)

    def skew(self, candidate: Candidate, rate: float) -> None:
        """The clock of its machine runs at another rate from now on."""
        candidate.clock.skew(self.now, rate)

    def suspend(self, candidate: Candidate, seconds: float) -> None:
        """Its machine sleeps for `seconds`, at the end of which it is to be woken."""
        candidate.clock.suspend(self.now, seconds)
        self.pause(candidate)

    def apply(self, candidate: Candidate, version: int | None = None) -> None:
        """The request under way reaches the store; its answer does not come back yet.

        `version`: a read is answered by a replica that is still there.
        """
        request = candidate.pending
        if request is None:
            raise RuntimeError(f"{candidate.name} has no request under way")
        if candidate.applied:
            return
        candidate.applied = True
        if isinstance(request, ReadRequest):
            candidate.outcome = self.store.read(version)
        elif isinstance(request, NoteRequest):
            candidate.outcome = self._note(request)
        else:
            candidate.outcome = self._apply(candidate, request, candidate.sent_at)

    def deliver(self, candidate: Candidate) -> None:
        """The answer arrives (the request is applied now, if it was not before)."""
        self.apply(candidate)
        self._hand_over(candidate)
        self._turn(candidate)
        self._spread_news()

    def fail(self, candidate: Candidate, *, refused: bool = False, retry_after_s: float = 0.0) -> None:
        """No answer arrives; a write that was not applied yet goes into limbo, unless it was refused."""
        request, candidate.pending = candidate.pending, None
        if request is None:
            raise RuntimeError(f"{candidate.name} has no request under way")
        if isinstance(request, WriteRequest) and not refused and not candidate.applied:
            candidate.limbo[request.attempt.number] = (request, candidate.sent_at)
        candidate.core.receive_failure(
            request, candidate.clock.local(self.now), refused=refused, retry_after_s=retry_after_s
        )
        self._turn(candidate)

    def land(self, candidate: Candidate, number: int) -> bool:
        """A write from limbo reaches the store; return whether it was accepted."""
        request, sent_at = candidate.limbo.pop(number)
        accepted = self._apply(candidate, request, sent_at) is not None
        self._spread_news()
        return accepted

    def tell(self, candidate: Candidate, seen: Versioned) -> None:
        """A watch event arrives."""
        self._learn(candidate, seen)
        candidate.core.receive_record(seen, candidate.clock.local(self.now))
        self._turn(candidate)
        self._spread_news()

    def connect(self, candidate: Candidate, latency_s: float = 0.0) -> None:
        """From now on its requests are answered by themselves, and it sees every change."""
        candidate.connected, candidate.latency_s = True, latency_s
        candidate.watched = self.store.version
        if candidate not in self._connected:
            self._connected.append(candidate)

    def disconnect(self, candidate: Candidate) -> None:
        """From now on every request waits for a step."""
        candidate.connected, candidate.answer_at = False, math.inf
        if candidate in self._connected:
            self._connected.remove(candidate)

    # ---- hands that meddle

    def put(self, record: Record | UnreadableRecord) -> None:
        """Somebody else writes the record, whatever is there, and counts transitions as client-go does."""
        old = self.store.head.record
        known = old if isinstance(old, Record) else Record(holder="")
        if isinstance(record, Record):
            record = replace(record, transitions=known.transitions + (record.holder != known.holder))
        self._meddle(lambda: self.store.put(record))

    def touch(self) -> None:
        """Somebody changes other metadata."""
        self._meddle(self.store.touch)

    def request(self, to: str) -> None:
        """Somebody asks the leader to hand over: to one of that name, or with an empty one to anybody."""
        record = self.store.head.record
        if isinstance(record, Record):
            self._meddle(lambda: self.store.put(replace(record, request=to), stamped=False))

    def delete(self) -> None:
        """Somebody deletes the object."""
        self._meddle(self.store.delete)

    def restore(self, version: int) -> None:
        """The store goes back to an older version."""
        self._meddle(lambda: self.store.restore(version))

    # ---- time

    def next_timer(self, candidate: Candidate) -> float:
        """Return when its core wants to be called; true time, seconds; ``inf``: never."""
        timer = candidate.core.get_timer()
        return math.inf if timer is None else candidate.clock.true_time(timer)

    def advance(self, until: float, *, check: Callable[[], None] = lambda: None) -> None:
        """Let time go on, with every timer fired when it is due, and `check` called after each.

        Raises:
            RuntimeError: a core wants to be called again and again, and nothing comes of it.
        """
        turns = 0
        while (due := self._first_due(until)) is not None:
            candidate, at = due
            turns = turns + 1 if at <= self.now else 0
            if turns > _MOST_TURNS:
                raise RuntimeError(f"{candidate.name} is busy for nothing at {self.now}")
            self.now = max(self.now, at)
            if candidate.answer_at <= self.now:
                self.deliver(candidate)
            else:
                self.fire(candidate)
            check()
        self.now = until

    def _first_due(self, until: float) -> tuple[Candidate, float] | None:
        awake = [
            (each, min(each.answer_at, self.next_timer(each)))
            for each in self.candidates.values()
            if not each.paused
        ]
        soonest = min(awake, key=lambda each: each[1], default=None)
        return soonest if soonest is not None and soonest[1] <= until else None

    # ---- what follows from a step

    def _turn(self, candidate: Candidate) -> None:
        """Do what a driver does after every input."""
        core = candidate.core
        while True:
            requests = core.requests_to_send(candidate.clock.local(self.now))
            while (event := core.next_event()) is not None:
                self._say(candidate, event)
            if not requests:
                return
            self._send(candidate, requests)
            if not candidate.connected:
                return
            self.apply(candidate)
            if candidate.latency_s:
                candidate.answer_at = self.now + candidate.latency_s
                return
            self._hand_over(candidate)

    def _say(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected):
            candidate.term = SeenTerm(event.token, event.deadline)
        elif candidate.term is not None and isinstance(event, Renewed):
            candidate.term.deadline = event.deadline
        elif candidate.term is not None and isinstance(event, Lost):
            candidate.term.over = True
        for said in self._said:
            said(candidate, event)

    def _send(self, candidate: Candidate, requests: list[Request]) -> None:
        if candidate.pending is not None or len(requests) > 1:
            raise RuntimeError(f"{candidate.name} sends a second request while one is under way")
        candidate.pending, candidate.sent_at, candidate.applied = requests[0], self.now, False
        for sent in self._sent:
            sent(candidate, requests[0])

    def _hand_over(self, candidate: Candidate) -> None:
        request, candidate.pending, candidate.answer_at = candidate.pending, None, math.inf
        local = candidate.clock.local(self.now)
        if isinstance(request, WriteRequest | NoteRequest) and candidate.outcome is None:
            candidate.core.receive_conflict(request, local)
        elif request is not None and candidate.outcome is not None:
            self._learn(candidate, candidate.outcome)
            candidate.core.receive_answer(request, candidate.outcome, local)

    def _learn(self, candidate: Candidate, seen: Versioned) -> None:
        for learned in self._learned:
            learned(candidate, seen)

    def _apply(self, author: Candidate, request: WriteRequest, sent_at: float) -> Versioned | None:
        before = self.store.head
        after = self.store.apply(request)
        if after is not None and after is not before:  # an identical write changes nothing
            self._note_change(Change(self.now, before, after, author, request, sent_at))
        return after

    def _note(self, request: NoteRequest) -> Versioned | None:
        """A note changes nothing that anybody lives by: it is as if a hand had touched the record."""
        before = self.store.head
        after = self.store.note(request)
        if after is not None:
            self._note_change(Change(self.now, before, after))
        return after

    def _meddle(self, act: Callable[[], Versioned]) -> None:
        before = self.store.head
        self._note_change(Change(self.now, before, act()))
        self._spread_news()

    def _note_change(self, change: Change) -> None:
        for changed in self._changed:
            changed(change)

    def _spread_news(self) -> None:
        """Every connected candidate learns of every change, also of what the others make of it."""
        spread = -1
        while spread < self.store.version:
            spread = self.store.version
            for candidate in self._connected:
                self._catch_up(candidate)

    def _catch_up(self, candidate: Candidate) -> None:
        while not candidate.paused and candidate.watched < self.store.version:
            candidate.watched += 1
            seen = self.store.history[candidate.watched]
            self._learn(candidate, seen)
            candidate.core.receive_record(seen, candidate.clock.local(self.now))
            self._turn(candidate)


def _listeners(observers: tuple[Observer, ...], method: str) -> list[Callable[..., None]]:
    """Return the methods of those who want to be told of this."""
    ignored = getattr(Observer, method)
    return [getattr(each, method) for each in observers if getattr(type(each), method) is not ignored]
