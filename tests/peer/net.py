"""Net: peers in virtual time over an imaginary network; each has a body that ends when it is asked to.

A step that lets two terms be valid at once fails at once, and so does a token that does not rise.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from tenure.events import Elected, Event, Lost, TermEnding
from tenure.handover import Preference
from tenure.peer.electorate import Electorate
from tenure.peer.membership import Address
from tenure.peer.messages import Body, Envelope
from tenure.peer.node import PeerNode
from tenure.states import State
from tenure.timing import Timing

LATENCY_S = 0.001
MOST_STEPS_AT_ONCE = 100_000
EventT = TypeVar("EventT", bound=Event)
BodyT = TypeVar("BodyT")


class Sent(NamedTuple):
    """One message on its way, or lost."""

    at: float
    sender: str
    receiver: str
    body: Body


class Told(NamedTuple):
    """One event of a peer."""

    at: float
    name: str
    event: Event


@dataclass
class Peer:
    """One process: its core, and what a program does with it.

    Attributes:
        body_s: seconds that its body takes to end when it is asked to, or when its term is lost.
        campaigns: it campaigns again after every term.
    """

    name: str
    node: PeerNode
    address: Address
    body_s: float = 0.0
    campaigns: bool = True
    is_paused: bool = False
    body_is_ending: bool = False
    backlog: list[Callable[[], None]] = field(default_factory=list)


class Net:
    """All peers, and the network between them.

    Args:
        names: of the peers that start at once.
        voters: their names; default: the first three (or the one).
        lease: T, seconds.
        named: discovery tells the names of peers, not only their addresses.

    Attributes:
        now: boot time of all machines, seconds.
        told: all events in order.
        sent: all messages in order.
        cuts: (sender, receiver) pairs between which nothing passes.
        loss: probability that a message is lost.
        drops: tells of a message whether it is lost.
    """

    def __init__(
        self, *names: str, voters: Iterable[str] = (), lease: float = 2.0, named: bool = True
    ) -> None:
        self.now = 0.0
        self.told: list[Told] = []
        self.sent: list[Sent] = []
        self.cuts: set[tuple[str, str]] = set()
        self.loss = 0.0
        self.drops: Callable[[str, str, Body], bool] = lambda sender, receiver, body: False
        self.timing = Timing(lease_duration=lease)
        self.electorate = Electorate(
            voters=tuple(voters) or names[: 3 if len(names) > 1 else 1] or ("a",),
            lease=lease,
            longest_lease=1.25 * lease,
        )
        self.peers: dict[str, Peer] = {}
        self._sockets: dict[Address, Peer] = {}
        self._named = named
        self._random = random.Random(1)
        self._steps: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = itertools.count()
        self._highest_token = -1
        self._standing = 0  # steps since time went on
        for name in names:
            self._start(name)
        self.discover()

    # ---- processes

    def start(self, name: str, **options: Any) -> Peer:
        """A process of this name starts, and replaces any that ran before; all hear where it is.

        Args:
            name: its identity.
            options: ``kind`` of its core, ``port`` where it listens; ``electorate`` and ``timing`` if they
                are not those of the others; ``body_s`` and ``campaigns`` of `Peer`; those of `Preference`;
                others of its core.
        """
        peer = self._start(name, **options)
        self.discover()
        return peer

    def _start(
        self,
        name: str,
        *,
        kind: Callable[..., PeerNode] = PeerNode,
        port: int = 7,
        electorate: Electorate | None = None,
        timing: Timing | None = None,
        body_s: float = 0.0,
        campaigns: bool = True,
        **options: Any,
    ) -> Peer:
        wishes = {key: options.pop(key) for key in Preference.__slots__ if key in options}
        node = kind(
            identity=name,
            incarnation=self._random.randbytes(16),
            electorate=electorate or self.electorate,
            timing=timing or self.timing,
            draw=random.Random(name).random,
            floor=lambda: 0,
            now=self.now,
            preference=Preference(**wishes),
            **options,
        )
        peer = self.peers[name] = Peer(name, node, (name, port), body_s=body_s, campaigns=campaigns)
        self._sockets[peer.address] = peer
        self.pump(peer)
        return peer

    def discover(self) -> None:
        """Everybody is told where everybody is."""
        found = [(peer.name if self._named else "", peer.address) for peer in self.peers.values()]
        for peer in list(self.peers.values()):
            peer.node.set_peers([each for each in found if each[1] != peer.address], self.now)
            self.pump(peer)

    def crash(self, name: str) -> None:
        """A process ends without a word, and its body with it."""
        del self._sockets[self.peers.pop(name).address]

    def pause(self, name: str) -> None:
        """A process stands still; what comes waits in its socket."""
        self.peers[name].is_paused = True

    def wake(self, name: str) -> None:
        """It goes on: with its timers, and then with what has come."""
        peer = self.peers[name]
        peer.is_paused = False
        self.pump(peer)
        backlog, peer.backlog = peer.backlog, []
        for step in backlog:
            step()

    def call(self, name: str, action: str, *arguments: Any) -> None:
        """Call a method of a core; the last argument is always `now`."""
        peer = self.peers[name]
        if action == "resign":
            peer.campaigns = False
        getattr(peer.node, action)(*arguments, self.now)
        self.pump(peer)

    def state(self, name: str) -> State:
        """Return where a candidate stands."""
        return self.peers[name].node.state

    # ---- the network

    def isolate(self, name: str) -> None:
        """Nothing passes between this peer and the others, those to come included."""
        self.cuts |= {(name, ""), ("", name)}

    def heal(self) -> None:
        """Everything passes again."""
        self.cuts.clear()

    def is_cut(self, sender: str, receiver: str) -> bool:
        """Tell whether nothing passes from one peer to another."""
        return not self.cuts.isdisjoint({(sender, receiver), (sender, ""), ("", receiver)})

    # ---- time

    def run(self, seconds: float) -> None:
        """Time goes on."""
        until = self.now + seconds
        while self._steps and self._steps[0][0] <= until:
            self._step()
        self.now = until

    def run_until(self, condition: Callable[[], object], *, within: float) -> float:
        """Time goes on until something is so; return for how many seconds.

        Raises:
            AssertionError: it did not become so within as many seconds.
        """
        began, until = self.now, self.now + within
        while not condition():
            assert self._steps[0][0] <= until, f"not within {within} s"
            self._step()
        return self.now - began

    def at(self, when: float, step: Callable[[], None]) -> None:
        """Do something later; `when`: boot time, seconds."""
        heapq.heappush(self._steps, (when, next(self._serial), step))

    # ---- what was seen

    def leader(self) -> str | None:
        """Return whose term is valid; None: nobody's."""
        leading = [peer.name for peer in self.peers.values() if peer.node.deadline > self.now]
        assert len(leading) <= 1, f"{' and '.join(leading)} lead at {self.now}"
        return leading[0] if leading else None

    def elect(self, *, within: float = 10.0) -> str:
        """Time goes on until somebody leads; return who."""
        self.run_until(self.leader, within=within)
        leader = self.leader()
        assert leader is not None
        return leader

    def events(self, name: str, *kinds: type[EventT], since: float = 0.0) -> list[EventT]:
        """Return the events of a peer, of some kinds, in order."""
        return [
            each.event
            for each in self.told
            if each.name == name and isinstance(each.event, kinds) and each.at >= since
        ]

    def bodies(self, kind: type[BodyT], sender: str = "", since: float = 0.0) -> list[BodyT]:
        """Return the messages of a kind that a peer (or anybody) has sent."""
        return [
            each.body
            for each in self.sent
            if isinstance(each.body, kind) and each.sender in (sender or each.sender) and each.at >= since
        ]

    # ---- steps

    def _step(self) -> None:
        at, _, step = heapq.heappop(self._steps)
        self._standing = 0 if at > self.now else self._standing + 1
        assert self._standing < MOST_STEPS_AT_ONCE, f"time stands still at {self.now}"
        self.now = max(self.now, at)
        step()

    def pump(self, peer: Peer) -> None:
        """Let a core send and tell what it has to, until it has nothing left."""
        if peer.node.state is State.IDLE and peer.campaigns:
            peer.node.campaign(self.now)
        for address, envelope in peer.node.messages_to_send(self.now):
            self._send(peer, address, envelope)
        while (event := peer.node.next_event()) is not None:
            self._tell(peer, event)
        self._set_timer(peer)
        if peer.node.deadline > self.now:
            self.leader()

    def _set_timer(self, peer: Peer) -> None:
        self.at(max(peer.node.get_timer(), self.now), lambda: self._fire(peer))

    def _fire(self, peer: Peer) -> None:
        if self._runs(peer) and peer.node.get_timer() <= self.now:
            self.pump(peer)

    def _runs(self, peer: Peer) -> bool:
        return self.peers.get(peer.name) is peer and not peer.is_paused

    def _send(self, peer: Peer, address: Address, envelope: Envelope) -> None:
        name = address[0]
        self.sent.append(Sent(self.now, peer.name, name, envelope.body))
        if self.is_cut(peer.name, name) or self.drops(peer.name, name, envelope.body):
            return
        if self._random.random() >= self.loss:
            self.at(self.now + LATENCY_S, lambda: self.deliver(envelope, peer.address, address))

    def deliver(self, envelope: Envelope, source: Address, address: Address) -> None:
        """A message arrives where somebody listens, or nobody does."""
        peer = self._sockets.get(address)
        if peer is None:
            return
        if peer.is_paused:
            peer.backlog.append(lambda: self.deliver(envelope, source, address))
            return
        peer.node.receive_message(envelope, source, self.now)
        self.pump(peer)

    # ---- inside

    def _tell(self, peer: Peer, event: Event) -> None:
        self.told.append(Told(self.now, peer.name, event))
        if isinstance(event, Elected):
            assert int(event.token) > self._highest_token, f"{event.token} is not a higher token"
            self._highest_token = int(event.token)
            peer.body_is_ending = False
        elif isinstance(event, Lost | TermEnding) and not peer.body_is_ending and peer.body_s < math.inf:
            peer.body_is_ending = True
            self.at(self.now + peer.body_s, lambda: self._end_body(peer))

    def _end_body(self, peer: Peer) -> None:
        if peer.is_paused:
            peer.backlog.append(lambda: self._end_body(peer))
        elif self.peers.get(peer.name) is peer:
            peer.node.body_ended(self.now)
            self.pump(peer)
