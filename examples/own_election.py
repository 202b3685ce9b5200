"""Your own election in the simulator: an elector as it is written in an afternoon, and what is wrong with it.

It reads the record, takes it when the last renewal that it saw is older than the lease, renews it, and frees
it when its work has ended. It has the shape of `tenure.testing.world.Core`: the time is a parameter, what
happens is a method call, requests and events are fetched. So the simulator can let clocks, networks, API
servers and hands misbehave, and check every rule of the contract (docs/contract.md) by what truly happened:

    cd examples
    tenure simulate --core=own_election:Core
    tenure simulate --core=own_election:Mended

Core counts its term from the answer; others count from the write, which was earlier. Mended counts from the
sending, and the simulator shows what is wrong next: it takes a record that was deleted, or that it cannot
read, although somebody leads. And then: what became of a write without an answer must be read, and its term
counted from the sending of that very write; a name can be shared by two processes; an annotator must neither
postpone a takeover nor end a term; stores are restored from backups; bodies do not end when they are told to.
`tenure.election.Election` does all of that, and is driven by the same methods.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tenure import FencingToken, Timing
from tenure.events import (
    CampaignStarted,
    Elected,
    EndingReason,
    Event,
    LossReason,
    Lost,
    Released,
    Renewed,
    TermEnding,
)
from tenure.record import Attempt, Record, Versioned
from tenure.requests import NoteRequest, Purpose, ReadRequest, Request, WriteRequest, record_to_write
from tenure.states import State


class Core:
    """One candidate; `now` is what the clock of its machine shows, in seconds."""

    def __init__(
        self, *, identity: str, incarnation: str, timing: Timing, draw: Callable[[], float], **_: object
    ) -> None:
        self.identity, self.incarnation, self.timing, self.draw = identity, incarnation, timing, draw
        self.state = State.IDLE
        self.newest: Versioned | None = None  # that was seen of the record
        self.seen_at = 0.0
        self.under_way: Request | None = None  # one at a time
        self.sent_at = 0.0
        self.next_at = 0.0  # when the next one is to be sent
        self.deadline = 0.0  # of the term
        self.token: FencingToken | None = None
        self.writes = 0
        self.events: deque[Event] = deque()

    # ---- what the program wants

    def campaign(self, now: float) -> None:
        self.state, self.newest, self.next_at = State.CAMPAIGNING, None, now
        self.events.append(CampaignStarted())

    def resign(self, now: float) -> None:
        if self.state is State.LEADING:
            self.state = State.DRAINING
            self.events.append(TermEnding(reason=EndingReason.STOPPED))
        elif self.state is State.CAMPAIGNING:
            self.state = State.IDLE

    def transfer(self, to: str, now: float) -> None:
        if self.state is State.LEADING:
            self.resign(now)  # whoever is first takes over

    def set_eligible(self, eligible: bool, now: float) -> None:
        """It campaigns, whatever its program says of itself."""

    def body_ended(self, now: float) -> None:
        if self.state in (State.LEADING, State.DRAINING):
            self.state, self.next_at = State.RELEASING, now
        else:
            self.state = State.IDLE

    # ---- what comes in

    def receive_record(self, seen: Versioned, now: float) -> None:
        if self.newest is None or seen.version > self.newest.version:
            self.observe(seen, now)

    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None:
        self.under_way = None
        self.observe(seen, now)
        if not isinstance(request, WriteRequest) or self.state in (State.IDLE, State.LOST):
            return
        if request.purpose is Purpose.RELEASE:
            self.state = State.IDLE
            self.events.append(Released())
            return
        self.deadline = self.counted_from(now) + self.timing.renew_deadline
        self.next_at = self.sent_at + self.timing.renew_period
        if request.purpose is Purpose.RENEW:
            self.events.append(Renewed(deadline=self.deadline, late_s=0.0))
        else:
            self.state, self.token = State.LEADING, FencingToken(0, seen.version)
            self.events.append(Elected(token=self.token, deadline=self.deadline))

    def counted_from(self, now: float) -> float:
        """The lease was written just now, was it not?"""
        return now

    def receive_conflict(self, request: WriteRequest | NoteRequest, now: float) -> None:
        self.receive_failure(request, now)

    def receive_failure(
        self, request: Request, now: float, *, retry_after_s: float = 0.0, refused: bool = False
    ) -> None:
        self.under_way, self.newest = None, None  # it will be read
        self.next_at = now + max(retry_after_s, self.timing.retry_period * self.draw())

    def refresh(self, now: float) -> None:
        self.newest, self.next_at = None, now

    def handle_timer(self, now: float) -> None:
        if self.state in (State.LEADING, State.DRAINING, State.RELEASING) and now >= self.deadline:
            self.lose(LossReason.RENEW_DEADLINE)

    # ---- what goes out

    def requests_to_send(self, now: float) -> list[Request]:
        self.handle_timer(now)
        if self.under_way or now < self.next_at or self.state in (State.IDLE, State.LOST):
            return []
        if self.newest is None:
            self.under_way = ReadRequest(knowing=-1, timeout=self.timing.renew_deadline)
        elif self.state is State.CAMPAIGNING:
            self.under_way = self.write(Purpose.ACQUIRE)
        elif self.state is State.RELEASING:
            self.under_way = self.write(Purpose.RELEASE)
        else:
            self.under_way = self.write(Purpose.RENEW)
        self.sent_at = now
        return [self.under_way]

    def get_timer(self) -> float | None:
        times = [] if self.under_way or self.state in (State.IDLE, State.LOST) else [self.next_at]
        if self.state in (State.LEADING, State.DRAINING, State.RELEASING):
            times.append(self.deadline)
        return min(times, default=None)

    def next_event(self) -> Event | None:
        return self.events.popleft() if self.events else None

    # ---- in between

    def observe(self, seen: Versioned, now: float) -> None:
        self.newest, self.seen_at = seen, now
        held_by = seen.record.holder if isinstance(seen.record, Record) else ""
        if self.state is State.CAMPAIGNING:  # as soon as nobody renews it any more
            lease_s = (seen.record.lease_duration or 0.0) if isinstance(seen.record, Record) else 0.0
            self.next_at = now + self.timing.takeover_delay(lease_s) if held_by else now
        elif self.state in (State.LEADING, State.DRAINING) and held_by != self.identity:
            self.lose(LossReason.OTHER_HOLDER)

    def write(self, purpose: Purpose) -> WriteRequest:
        self.writes += 1
        attempt = Attempt(self.incarnation, self.writes)
        base = self.newest if self.newest is not None and self.newest.record is not None else None
        lease_s = self.timing.lease_duration
        record = record_to_write(purpose, base, attempt, self.identity, lease_s, self.token)
        return WriteRequest(
            purpose=purpose, base=base, record=record, attempt=attempt, timeout=self.timing.renew_deadline
        )

    def lose(self, reason: LossReason) -> None:
        ended = self.state is State.RELEASING  # its body has
        self.state = State.IDLE if ended else State.LOST
        if not ended:
            self.events.append(Lost(reason=reason))


class Mended(Core):
    """Counts its term from the sending of the write that was answered."""

    def counted_from(self, now: float) -> float:
        return self.sent_at
