"""Api: the API server that a `RegisteredNode` writes to, in the virtual time of a `Net`."""

from __future__ import annotations

from typing import Any

from tenure.peer.registered_node import RegisteredNode
from tenure.record import UnreadableRecord, Versioned
from tenure.requests import ReadRequest, Request, WriteRequest
from tenure.testing.store import RecordStore
from tests.peer.net import Net, Peer

API_LATENCY_S = 0.01
PATIENCE_S = 0.3


class RegisteredNet(Net):
    """Peers whose leaders write their names to one object.

    Attributes:
        store: the object.
        asked: when and by whom a request was sent.
        is_down: nothing reaches the API.
        loses_answers: what reaches it is done, and nobody hears of it.
        garbled: the object cannot be decoded.
        latency_s: from a request to its answer; half of it until it is done.
    """

    def __init__(self, *names: str, voters: str = "abc") -> None:
        self.store = RecordStore()
        self.asked: list[tuple[float, str, Request]] = []
        self.is_down = self.loses_answers = self.garbled = False
        self.latency_s = API_LATENCY_S
        self.node_options: dict[str, Any] = {}
        super().__init__(voters=voters)
        for name in names:
            self._start(name)
        self.discover()

    def _start(self, name: str, **options: Any) -> Peer:
        return super()._start(name, kind=RegisteredNode, **{**self.node_options, **options})

    def pump(self, peer: Peer) -> None:
        """Let a core send and tell what it has to, to peers and to the API."""
        super().pump(peer)
        node = peer.node
        if isinstance(node, RegisteredNode):
            for request in node.requests_to_send(self.now):
                self.asked.append((self.now, peer.name, request))
                self._ask(peer, node, request)
            self._set_timer(peer)

    def _ask(self, peer: Peer, node: RegisteredNode, request: Request) -> None:
        if self.is_down:
            self._answer_later(peer, PATIENCE_S, lambda: node.receive_failure(request, self.now))
        else:
            self.at(self.now + self.latency_s / 2, lambda: self._do(peer, node, request))

    def _do(self, peer: Peer, node: RegisteredNode, request: Request) -> None:
        seen = self._seen(request)
        if self.loses_answers:
            self._answer_later(peer, PATIENCE_S, lambda: node.receive_failure(request, self.now))
        elif seen is not None:
            self._answer_later(peer, self.latency_s / 2, lambda: node.receive_answer(request, seen, self.now))
        elif isinstance(request, WriteRequest):
            self._answer_later(peer, self.latency_s / 2, lambda: node.receive_conflict(request, self.now))

    def _seen(self, request: Request) -> Versioned | None:
        if self.garbled:
            return Versioned(UnreadableRecord("data.elected is a list"), self.store.version)
        if isinstance(request, ReadRequest):
            return self.store.read()
        assert isinstance(request, WriteRequest)
        return self.store.apply(request)

    def _answer_later(self, peer: Peer, wait_s: float, deliver: Any) -> None:
        def arrive() -> None:
            if peer.is_paused:
                peer.backlog.append(arrive)
            elif self.peers.get(peer.name) is peer:
                deliver()
                self.pump(peer)

        self.at(self.now + wait_s, arrive)
