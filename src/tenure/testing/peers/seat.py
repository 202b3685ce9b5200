"""Seat: a peer's core in the shape of those over a record, so that one world can hold both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.events import Event
from tenure.peer.electorate import Electorate
from tenure.peer.membership import Address
from tenure.peer.messages import Envelope
from tenure.peer.node import PeerNode
from tenure.peer.registered_node import RegisteredNode
from tenure.peer.registration import OnOutage
from tenure.record import Versioned
from tenure.requests import NoteRequest, Request, WriteRequest
from tenure.states import State

__all__ = ["Seat", "new_peer"]


class Seat:
    """A `PeerNode`, or a `RegisteredNode`, which writes to a record but does not follow it.

    Args:
        node: decides.
        electorate: that it was started with.

    Attributes:
        newest: None: it follows no record.
    """

    newest: Versioned | None = None

    def __init__(self, node: PeerNode, electorate: Electorate) -> None:
        self.node = node
        self._electorate = electorate
        self._registered = node if isinstance(node, RegisteredNode) else None

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.node.state

    # ---- among peers

    @property
    def electorate(self) -> Electorate:
        """That it was started with."""
        return self._electorate

    def set_peers(self, peers: Iterable[tuple[str, Address]], now: float) -> None:
        """Tell it where peers are said to be."""
        self.node.set_peers(peers, now)

    def receive_message(self, envelope: Envelope, address: Address, now: float) -> None:
        """Tell it what a peer says."""
        self.node.receive_message(envelope, address, now)

    def messages_to_send(self, now: float) -> list[tuple[Address, Envelope]]:
        """Return what it says, and to whom."""
        return self.node.messages_to_send(now)

    def leave(self, now: float) -> None:
        """It stops, and says so."""
        self.node.leave(now)

    # ---- as any core

    def campaign(self, now: float) -> None:
        self.node.campaign(now)

    def resign(self, now: float) -> None:
        self.node.resign(now)

    def transfer(self, to: str, now: float) -> None:
        self.node.transfer(to, now)

    def set_eligible(self, eligible: bool, now: float) -> None:
        self.node.set_eligible(eligible, now)

    def body_ended(self, now: float) -> None:
        self.node.body_ended(now)

    def handle_timer(self, now: float) -> None:
        self.node.handle_timer(now)

    def refresh(self, now: float) -> None:
        """It was long silent."""
        self.node.handle_timer(now)

    def get_timer(self) -> float | None:
        return self.node.get_timer()

    def next_event(self) -> Event | None:
        return self.node.next_event()

    # ---- over the record of hybrid mode

    def requests_to_send(self, now: float) -> list[Request]:
        return [] if self._registered is None else self._registered.requests_to_send(now)

    def receive_record(self, seen: Versioned, now: float) -> None:
        """It has asked for nothing."""

    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None:
        if self._registered is not None:
            self._registered.receive_answer(request, seen, now)

    def receive_conflict(self, request: WriteRequest | NoteRequest, now: float) -> None:
        if self._registered is not None:
            self._registered.receive_conflict(request, now)

    def receive_failure(
        self, request: Request, now: float, *, retry_after_s: float = 0.0, refused: bool = False
    ) -> None:
        if self._registered is not None:
            self._registered.receive_failure(request, now, retry_after_s=retry_after_s, refused=refused)


def new_peer(*, electorate: Electorate, on_outage: OnOutage | None, **options: Any) -> Seat:
    """Return a peer in its seat.

    Args:
        electorate: the voters.
        on_outage: of hybrid mode; None: peers alone.
        options: the other arguments of `PeerNode`.
    """
    if on_outage is None:
        return Seat(PeerNode(electorate=electorate, **options), electorate)
    return Seat(RegisteredNode(electorate=electorate, on_outage=on_outage, **options), electorate)
