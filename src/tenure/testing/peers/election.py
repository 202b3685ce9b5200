"""PeerElection: one election among simulated peers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.peer.membership import Address
from tenure.peer.messages import Envelope
from tenure.testing.peers.driver import PeerDriver
from tenure.testing.peers.network import Network
from tenure.testing.peers.place import Place
from tenure.testing.peers.world import PeerObserver
from tenure.testing.process import Process
from tenure.testing.simulated_driver import SimulatedDriver
from tenure.testing.simulated_election import SimulatedElection
from tenure.testing.world import Candidate

__all__ = ["PeerElection"]


class PeerElection(SimulatedElection, PeerObserver):
    """One election.

    Args:
        network: between the peers.
        place_of: where a process runs.
        others: as of `SimulatedElection`.
    """

    def __init__(
        self, network: Network, place_of: Callable[[Process], Place], *others: Any, **options: Any
    ) -> None:
        self._network = network
        self._place_of = place_of
        self._peers: dict[Candidate, PeerDriver] = {}
        super().__init__(*others, **options)

    def posted(self, candidate: Candidate, address: Address, envelope: Envelope) -> None:
        """Let its driver send a message, and spring the ambushes that waited for it."""
        driver = self._peers[candidate]
        driver.post(address, envelope)
        self.spring(type(envelope.body).__name__, driver)

    def peer_of(self, process: Process) -> PeerDriver:
        """Return what drives the peer of a process that runs."""
        return self._peers[self.driver_of(process).candidate]

    @property
    def peers(self) -> list[PeerDriver]:
        """Those of all processes that run."""
        return [self._peers[driver.candidate] for driver in self.drivers]

    def _drive(self, process: Process, candidate: Candidate) -> SimulatedDriver:
        place = self._place_of(process)
        driver = self._peers[candidate] = PeerDriver(
            self._network, place, self._schedule, self._random, self.site, self.world, process, candidate
        )
        return driver
