"""Theatre: puppets in the place of candidates, in a world whose checks are the real ones."""

from __future__ import annotations

from collections import deque
from random import Random

from tenure.election import OnMissing
from tenure.events import Elected, EndingReason, Event, LossReason, Lost, Renewed, TermEnding
from tenure.record import Attempt, Versioned
from tenure.requests import Purpose, ReadRequest, Request, WriteRequest, record_to_write
from tenure.states import State
from tenure.testing.checks import checks_of
from tenure.testing.chronicle import Chronicle
from tenure.testing.fenced_store import FencedStore
from tenure.testing.machine import MachineClock
from tenure.testing.schedule import Schedule
from tenure.testing.world import Candidate, World
from tenure.token import FencingToken


class Puppet:
    """A core that sends and says what it is told to, and draws no conclusions."""

    state = State.IDLE
    newest: Versioned | None = None

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.events: deque[Event] = deque()
        self.attempts = 0

    def campaign(self, now: float) -> None: ...
    def resign(self, now: float) -> None: ...
    def body_ended(self, now: float) -> None: ...
    def refresh(self, now: float) -> None: ...
    def handle_timer(self, now: float) -> None: ...
    def receive_record(self, seen: Versioned, now: float) -> None: ...
    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None: ...
    def receive_conflict(self, request: WriteRequest, now: float) -> None: ...
    def receive_failure(
        self, request: Request, now: float, *, retry_after_s: float = 0.0, refused: bool = False
    ) -> None: ...
    def get_timer(self) -> float | None: ...

    def requests_to_send(self, now: float) -> list[Request]:
        sent, self.requests = self.requests, []
        return sent

    def next_event(self) -> Event | None:
        return self.events.popleft() if self.events else None


class Theatre:
    """Puppets over one record, what they do, and what the checks say of it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.schedule = Schedule()
        chronicle = Chronicle()
        self.store = FencedStore(self.schedule, Random(1), chronicle, self.said.append)
        self.world = World(*checks_of(chronicle, self.said.append), self.store)

    @property
    def kinds(self) -> list[str]:
        """What was complained of, each kind once."""
        return list(dict.fromkeys(message.split(":")[0] for message in self.said))

    @property
    def head(self) -> Versioned:
        return self.world.store.head

    def join(self, name: str, *, on_missing: OnMissing = "create", rate: float = 1.0) -> Candidate:
        candidate = Candidate(name, Puppet(), MachineClock(rate=rate), on_missing=on_missing)
        self.world.add(candidate)
        return candidate

    def wait(self, seconds: float) -> None:
        self.schedule.run(self.schedule.now + seconds)
        self.world.now = self.schedule.now

    def say(self, candidate: Candidate, *events: Event) -> None:
        candidate.core.events.extend(events)  # type: ignore[attr-defined]
        self.world.fire(candidate)

    def end_body(self, candidate: Candidate) -> None:
        self.world.call(candidate, "body_ended")

    def see(self, candidate: Candidate, seen: Versioned | None = None) -> Versioned:
        """The watch tells it a fact, the newest by default."""
        told = seen or self.head
        self.world.tell(candidate, told)
        return told

    def read(self, candidate: Candidate, version: int | None = None) -> None:
        """It reads the record, or an old version of it."""
        self._send(candidate, ReadRequest(knowing=-1, timeout=1.0))
        self.world.apply(candidate, version)
        self.world.deliver(candidate)

    def write(self, candidate: Candidate, purpose: Purpose, *, lease_duration: float = 15.0) -> Versioned:
        """It writes over whatever is there."""
        self.send(candidate, purpose, lease_duration=lease_duration)
        self.world.deliver(candidate)
        return self.head

    def send(self, candidate: Candidate, purpose: Purpose, *, lease_duration: float = 15.0) -> None:
        base = self.head if self.head.record is not None else None
        candidate.core.attempts += 1  # type: ignore[attr-defined]
        attempt = Attempt(candidate.name, candidate.core.attempts)  # type: ignore[attr-defined]
        record = record_to_write(purpose, base, attempt, candidate.name, lease_duration, None)
        self._send(
            candidate, WriteRequest(purpose=purpose, base=base, record=record, attempt=attempt, timeout=1.0)
        )

    def elect(self, candidate: Candidate, *, token: int | None = None, lease_duration: float = 15.0) -> None:
        """It takes the record, and its term begins; `token`: another than the one that is due."""
        self.write(candidate, Purpose.ACQUIRE, lease_duration=lease_duration)
        self.begin(candidate, token=token)

    def begin(self, candidate: Candidate, *, token: int | None = None, epoch: int = 0) -> None:
        due = self.head.version if token is None else token
        self.say(candidate, Elected(token=FencingToken(epoch, due), deadline=self.deadline(candidate)))

    def renew(self, candidate: Candidate) -> None:
        self.write(candidate, Purpose.RENEW)
        self.say(candidate, Renewed(deadline=self.deadline(candidate), late_s=0.0))

    def lose(self, candidate: Candidate, reason: LossReason = LossReason.OTHER_HOLDER) -> None:
        self.say(candidate, Lost(reason=reason))

    def deadline(self, candidate: Candidate) -> float:
        return candidate.clock.local(self.world.now) + candidate.timing.renew_deadline

    def _send(self, candidate: Candidate, request: Request) -> None:
        candidate.core.requests.append(request)  # type: ignore[attr-defined]
        self.world.fire(candidate)

    def give_up(self, candidate: Candidate) -> None:
        """It gives its term up as it should."""
        self.say(candidate, TermEnding(reason=EndingReason.STOPPED, heir=""))
        self.end_body(candidate)
        self.write(candidate, Purpose.RELEASE)
