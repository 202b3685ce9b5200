"""PeerDriver: what `tenure.peer.udp` and an elector do for one peer, in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tenure.peer.membership import Address
from tenure.peer.messages import Envelope
from tenure.states import State
from tenure.testing.peers.network import Network
from tenure.testing.peers.place import Place
from tenure.testing.peers.world import PeerWorld
from tenure.testing.simulated_driver import SimulatedDriver

__all__ = ["PeerDriver"]

_MOST_UNREAD = 500  # datagrams that a socket keeps for a process that stands still


class PeerDriver(SimulatedDriver):
    """One peer in one process.

    Args:
        network: that it is reached through.
        place: where it runs.
        others: as of `SimulatedDriver`.
    """

    def __init__(self, network: Network, place: Place, *others: Any) -> None:
        super().__init__(*others)
        self._peer_world: PeerWorld = others[3]
        self._network = network
        self.address = place.address
        self._then: Callable[[], None] | None = None
        network.attach(self)

    @property
    def name(self) -> str:
        """Of the process."""
        return self.process.name

    def receive(self, envelope: Envelope, source: Address) -> None:
        """A datagram has arrived."""
        action = partial(self._do, partial(self._peer_world.receive, self.candidate, envelope, source))
        if not self.process.paused:
            action()
        elif len(self.process.inbox) < _MOST_UNREAD:
            self.process.inbox.append(action)

    def post(self, address: Address, envelope: Envelope) -> None:
        """Send a datagram."""
        self._network.send(self, address, envelope)

    def set_peers(self, peers: list[tuple[str, Address]]) -> None:
        """Discovery tells where the peers are."""
        tell = partial(self._peer_world.set_peers, self.candidate, peers)
        self.process.when_it_runs(partial(self._do, tell))

    def leave(self, then: Callable[[], None]) -> None:
        """Give up what there is, say good-bye, and then do what is left to be done."""
        self._then = then
        self.resign()

    def stay(self) -> None:
        """Campaign, also if it was to resign or to leave."""
        self._then = None
        self.campaign()

    def settle(self) -> None:
        """Look when the core wants to be called; who has given up all may leave."""
        super().settle()
        then = self._then
        if then is not None and not self._stopped and self.candidate.core.state is State.IDLE:
            self._then = None
            self._peer_world.leave(self.candidate)
            then()

    def stop(self) -> None:
        """The process ends."""
        super().stop()
        self._network.detach(self)
