"""PeerTheatre: puppets in the place of peers, in a world whose checks are the real ones."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import cast

from tenure.events import CampaignStarted, Elected, Event, LossReason, Lost, Renewed
from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.membership import Address
from tenure.peer.messages import Accept, Body, Envelope, Prepare, Propose
from tenure.peer.node import PeerNode
from tenure.peer.registration import OnOutage
from tenure.record import Attempt, Record
from tenure.requests import Purpose, WriteRequest
from tenure.states import State
from tenure.testing.fenced_store import FencedStore
from tenure.testing.machine import MachineClock
from tenure.testing.peers.checks import peer_checks_of
from tenure.testing.peers.chronicle import PeerChronicle
from tenure.testing.peers.group import default_electorate
from tenure.testing.peers.onlookers import Onlookers
from tenure.testing.peers.seat import Seat
from tenure.testing.peers.world import PeerWorld
from tenure.testing.schedule import Schedule
from tenure.testing.world import Candidate
from tenure.timing import Timing
from tenure.token import FencingToken

TIMING = Timing(lease_duration=3.0)  # D is 2 s
NOWHERE: Address = ("192.0.2.1", 1)


class Puppet:
    """A node that sends and says what it is told to, and draws no conclusions."""

    state = State.IDLE

    def __init__(self) -> None:
        self.messages: list[tuple[Address, Envelope]] = []
        self.events: deque[Event] = deque()

    def body_ended(self, now: float) -> None: ...
    def handle_timer(self, now: float) -> None: ...

    def messages_to_send(self, now: float) -> list[tuple[Address, Envelope]]:
        sent, self.messages = self.messages, []
        return sent

    def next_event(self) -> Event | None:
        return self.events.popleft() if self.events else None


class PeerTheatre:
    """Puppets a to e, of whom a, b and c vote, and what the checks say of them."""

    def __init__(self, *, on_outage: OnOutage | None = None, electorate: Electorate | None = None) -> None:
        self.said: list[str] = []
        self.schedule = Schedule()
        self.electorate = electorate or default_electorate("abc", TIMING.lease_duration)
        chronicle = PeerChronicle(on_outage=on_outage)
        self.store = FencedStore(self.schedule, Random(1), chronicle, self.said.append)
        self.onlookers = Onlookers()
        self.world = PeerWorld(*peer_checks_of(chronicle, self.said.append), self.store, self.onlookers)
        self.chronicle = chronicle
        self.round = 0

    @property
    def kinds(self) -> list[str]:
        """What was complained of, each kind once."""
        return list(dict.fromkeys(message.split(":")[0] for message in self.said))

    def join(self, name: str, *, rate: float = 1.0) -> Candidate:
        seat = Seat(cast("PeerNode", Puppet()), self.electorate)
        candidate = Candidate(name, seat, MachineClock(rate=rate), TIMING, identity=name)
        self.world.add(candidate)
        return candidate

    def wait(self, seconds: float) -> None:
        self.schedule.run(self.schedule.now + seconds)
        self.world.now = self.schedule.now

    def say(self, candidate: Candidate, *events: Event) -> None:
        self._puppet(candidate).events.extend(events)
        self.world.fire(candidate)

    def send(self, candidate: Candidate, *bodies: Body) -> None:
        for body in bodies:
            envelope = Envelope(
                sender=candidate.identity,
                incarnation=candidate.name.encode(),
                epoch=0,
                highest=0,
                priority=0,
                eligible=True,
                body=body,
            )
            self._puppet(candidate).messages.append((NOWHERE, envelope))
        self.world.fire(candidate)

    def end_body(self, candidate: Candidate) -> None:
        self.world.call(candidate, "body_ended")

    # ---- what is more than one step

    def prepare(self, candidate: Candidate) -> Ballot:
        """It asks for the lease with the next ballot."""
        self.round += 1
        ballot = Ballot(self.round, candidate.name.encode())
        self.send(candidate, Prepare(ballot))
        return ballot

    def grant(self, candidate: Candidate, ballot: Ballot, *voters: Candidate) -> None:
        """These voters accept it."""
        self.send(candidate, Propose(ballot, self.electorate.lease, b""))
        for voter in voters:
            self.send(voter, Accept(ballot))

    def elect(self, candidate: Candidate, *voters: Candidate, token: int | None = None) -> Ballot:
        """It campaigns, is granted the lease, and its term begins; `token`: not the one that is due."""
        self.say(candidate, CampaignStarted())
        ballot = self.prepare(candidate)
        self.grant(candidate, ballot, *voters)
        self.begin(candidate, ballot.round if token is None else token)
        return ballot

    def begin(self, candidate: Candidate, token: int) -> None:
        self.say(candidate, Elected(token=FencingToken(0, token), deadline=self.deadline(candidate)))

    def extend(self, candidate: Candidate, *voters: Candidate) -> None:
        ballot = self.prepare(candidate)
        self.grant(candidate, ballot, *voters)
        self.say(candidate, Renewed(deadline=self.deadline(candidate), late_s=0.0))

    def lose(self, candidate: Candidate, reason: LossReason = LossReason.RENEW_DEADLINE) -> None:
        self.say(candidate, Lost(reason=reason))

    def register(self, candidate: Candidate) -> int:
        """Its name is written, in hybrid mode; return the version."""
        head = self.world.store.head
        attempt = Attempt(candidate.name, self.world.store.version)
        request = WriteRequest(
            purpose=Purpose.ACQUIRE,
            base=head if head.record is not None else None,
            record=Record(holder=candidate.identity, attempt=attempt),
            attempt=attempt,
            timeout=1.0,
        )
        candidate.pending, candidate.sent_at, candidate.applied = request, self.world.now, False
        self.world.apply(candidate)
        candidate.pending = None
        return self.world.store.version

    def deadline(self, candidate: Candidate) -> float:
        return candidate.clock.local(self.world.now) + candidate.timing.renew_deadline

    def _puppet(self, candidate: Candidate) -> Puppet:
        return candidate.core.node  # type: ignore[attr-defined, no-any-return]
