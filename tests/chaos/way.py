"""A place and all that can happen on the way from there to the API server, as tests handle it."""

from __future__ import annotations

import random
import time

from tests.chaos.client import PATIENCE_S, Client
from tests.chaos.network import NetworkFault, Place
from tests.cluster.server import Cluster, ServiceAccount

__all__ = ["Way"]


class Way:
    """A place, what it asks the API server, what happens on the way, and what the server knows of it."""

    def __init__(self, cluster: Cluster, account: ServiceAccount, place: Place) -> None:
        self.place = place
        self._clients: list[Client] = []
        self.client = self.new_client()
        self._cluster = cluster
        self._path = f"/api/v1/namespaces/{account.namespace}/configmaps"

    def fault(self, name: str) -> NetworkFault:
        """The fault of that name."""
        return next(fault for fault in self.place.faults if fault.name == name)

    def begin(self, name: str, variant: str = "") -> NetworkFault:
        """Begin a fault, in the variant with these words, and return it."""
        fault = self.fault(name)
        for seed in range(100):
            words = fault.begin(random.Random(seed))
            assert words.startswith(f"{self.place.name}: ")
            if variant in words:
                return fault
            fault.end()
        raise AssertionError(f"{name} never comes as {variant}")

    def new_client(self, timeout_s: float = PATIENCE_S) -> Client:
        """Another connection."""
        client = Client(self.place, timeout_s)
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            client.close()

    def names(self) -> set[str]:
        """What the server has."""
        return {item["metadata"]["name"] for item in self._cluster.request("GET", self._path)["items"]}

    def create_as_administrator(self, name: str) -> None:
        """Create a ConfigMap past all that happens here."""
        self._cluster.request("POST", self._path, {"metadata": {"name": name}})

    def wait_for(self, name: str) -> None:
        """Wait until the server has it; fail when that takes absurdly long."""
        deadline = time.monotonic() + PATIENCE_S
        while name not in self.names():
            assert time.monotonic() < deadline
            time.sleep(0.05)
