"""PeerWorld: a world whose candidates talk to each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from tenure.peer.membership import Address
from tenure.peer.messages import Envelope
from tenure.testing.peers.seat import Seat
from tenure.testing.world import Candidate, Observer, World

__all__ = ["PeerObserver", "PeerWorld", "seat_of"]


class PeerObserver(Observer):
    """Sees messages too, right after they have been sent."""

    def posted(self, candidate: Candidate, address: Address, envelope: Envelope) -> None:
        """A message goes out."""


def seat_of(candidate: Candidate) -> Seat:
    """Return the core of a peer: a `Seat`, or one of your own in the same shape."""
    return cast("Seat", candidate.core)


class PeerWorld(World):
    """Candidates that send messages, and a record, which those of hybrid mode write to.

    Args:
        observers: are told of everything.
    """

    def __init__(self, *observers: Observer) -> None:
        super().__init__(*observers)
        self._posted = [each.posted for each in observers if isinstance(each, PeerObserver)]

    def receive(self, candidate: Candidate, envelope: Envelope, source: Address) -> None:
        """A message arrives."""
        seat_of(candidate).receive_message(envelope, source, candidate.clock.local(self.now))
        self._turn(candidate)

    def set_peers(self, candidate: Candidate, peers: Iterable[tuple[str, Address]]) -> None:
        """It is told where its peers are."""
        seat_of(candidate).set_peers(peers, candidate.clock.local(self.now))
        self._turn(candidate)

    def leave(self, candidate: Candidate) -> None:
        """It stops, and says so."""
        seat_of(candidate).leave(candidate.clock.local(self.now))
        self._turn(candidate)

    def _turn(self, candidate: Candidate) -> None:
        messages = seat_of(candidate).messages_to_send(candidate.clock.local(self.now))
        super()._turn(candidate)
        for address, envelope in messages:
            for posted in self._posted:
                posted(candidate, address, envelope)
