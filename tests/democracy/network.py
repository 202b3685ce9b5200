"""Network: nodes in virtual time, over links that deliver at once whatever is not cut."""

from __future__ import annotations

from collections import deque

from tenure.peer.democracy.address import Address
from tenure.peer.democracy.node import Node
from tenure.peer.democracy.options import Options

__all__ = ["Network", "address_of"]


def address_of(name: str) -> str:
    """Return the address of the member with this name, a letter."""
    return f"10.0.0.{ord(name)}:12345"


class Network:
    """Members by name; each is told of the others with `add`, or learns of them from packets.

    Attributes:
        now: virtual boot time, seconds.
        events: what happened: (when, to whom, event, identity of the member it is about, or data).
        sent: all that was sent, delivered or not: (sender, datagram, receiver's address).
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[tuple[float, str, str, object]] = []
        self.sent: list[tuple[str, bytes, Address]] = []
        self.nodes: dict[str, Node] = {}
        self._names: dict[Address, str] = {}
        self._cut: set[frozenset[str]] = set()
        self._stopped: set[str] = set()
        self._queue: deque[tuple[str, bytes, Address]] = deque()

    def add(self, name: str, weight: float, peers: str = "", *, at: str = "", **options: object) -> Node:
        """Start a member now, with an address of its own, or that of another name."""
        address = at or name
        given = Options(source=address_of(address), peers=[address_of(peer) for peer in peers], **options)  # type: ignore[arg-type]
        node = Node(given, identity=name, weight=weight, packet_prefix=f"{name}-", now=self.now)
        self.nodes[name] = node
        self._names[given.address] = name
        return node

    def group(self, **weights: float) -> None:
        """Start members that know each other."""
        for name, weight in weights.items():
            self.add(name, weight, "".join(weights))

    def cut(self, one: str, other: str) -> None:
        """Let nothing pass between two members any more."""
        self._cut.add(frozenset((one, other)))

    def heal(self) -> None:
        """Let everything pass again."""
        self._cut.clear()

    def stop(self, name: str) -> None:
        """Freeze a member; what is sent to it is lost."""
        self._stopped.add(name)

    def resume(self, name: str) -> None:
        """Let a frozen member run on."""
        self._stopped.remove(name)

    def forge(self, name: str, datagram: bytes) -> None:
        """Let a member receive a datagram from nowhere."""
        self.nodes[name].receive_datagram(datagram, ("192.0.2.1", 1), self.now)
        self.settle()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while True:
            running = [node for name, node in self.nodes.items() if name not in self._stopped]
            due = min((node.get_timer() for node in running), default=end)
            if due > end:
                break
            self.now = max(self.now, due)
            for node in running:
                if node.get_timer() <= self.now:
                    node.handle_timer(self.now)
                    self.settle()
        self.now = end

    def leaders(self) -> str:
        """Return the names of those that run and believe that they lead."""
        return "".join(n for n, node in self.nodes.items() if node.is_leader and n not in self._stopped)

    def seen(self, name: str) -> list[tuple[str, object]]:
        """Return the events of a member, in order."""
        return [(event, about) for _, whose, event, about in self.events if whose == name]

    def settle(self) -> None:
        """Deliver what members were made to send from outside."""
        self._collect()
        while self._queue:
            sender, datagram, address = self._queue.popleft()
            receiver = self._names.get(address)
            if receiver is None or receiver in self._stopped or frozenset((sender, receiver)) in self._cut:
                continue
            self.nodes[receiver].receive_datagram(datagram, _parsed(address_of(sender)), self.now)
            self._collect()

    def _collect(self) -> None:
        for name, node in self.nodes.items():
            while (event := node.next_event()) is not None:
                about = getattr(event[1], "identity", event[1])
                self.events.append((self.now, name, event[0], about))
            for datagram, address in node.datagrams_to_send():
                self.sent.append((name, datagram, address))
                self._queue.append((name, datagram, address))


def _parsed(text: str) -> Address:
    host, _, port = text.partition(":")
    return host, int(port)
