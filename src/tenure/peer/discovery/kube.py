"""KubePeers: the endpoints of a Service, out of objects of the Kubernetes API."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from tenure.kubernetes.access import Access
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.names import check_label
from tenure.kubernetes.resource import Resource
from tenure.peer.discovery.address import check_port, numeric
from tenure.peer.discovery.complaint import Complaint
from tenure.peer.discovery.follower import Follower, Objects, Selector
from tenure.peer.discovery.peer import Peer, one_each

__all__ = ["Endpoint", "Group", "KubePeers", "dicts_in"]


class Endpoint(NamedTuple):
    """One address of a Service, and whose it is: nobody has checked either."""

    host: object
    reference: object


class Group(NamedTuple):
    """Endpoints that have the same ports."""

    ports: list[dict[str, Any]]
    endpoints: list[Endpoint]


class KubePeers(ABC):
    """The endpoints of a Service, ready or not: who cannot serve yet can elect. See `Discovery`.

    Args:
        service: the name of the Service; it need not exist yet.
        namespace: of the Service; None: ``POD_NAMESPACE``, else that of the cluster's configuration.
        port: the UDP port of the peers: its name in the Service, or its number.
        kubeconfig: path of a kubeconfig file; None: the Pod's own configuration.
        context: within the kubeconfig; None: its current one.
        config: a configuration made already, instead of a kubeconfig.

    Raises:
        ConfigurationError: an argument cannot be one, or they contradict each other.
    """

    resource: ClassVar[Resource]
    title: ClassVar[str]
    """What the objects are called, for people."""

    def __init__(
        self,
        service: str,
        namespace: str | None = None,
        *,
        port: str | int = "peers",
        kubeconfig: str | Path | None = None,
        context: str | None = None,
        config: ClusterConfig | None = None,
    ) -> None:
        self._service = check_label("service", service)
        self._port = check_port(port) if isinstance(port, int) else check_label("port", port)
        self._access = Access(namespace, kubeconfig=kubeconfig, context=context, config=config)

    def describe(self) -> str:
        return f"{self.title} of {self._access.qualified(self._service)}"

    def names(self) -> tuple[str, ...]:
        return ()

    async def watch(self) -> AsyncGenerator[frozenset[Peer], None]:
        portless = Complaint(self.describe, meanwhile="its endpoints are no peers")
        told: frozenset[Peer] | None = None
        way = self._access.open(self.describe(), otherwise="name the peers in a list")
        async with way as (client, namespace):
            follower = Follower(client, self.resource, namespace, self._selector(), self.describe)
            async with aclosing(follower.states()) as states:
                async for objects in states:
                    peers = one_each(self._peers_in(objects, portless))
                    if peers != told:
                        told = peers
                        yield peers

    @abstractmethod
    def _selector(self) -> Selector:
        """Return what selects the Service's objects."""

    @abstractmethod
    def _groups(self, obj: Mapping[str, Any]) -> Iterator[Group]:
        """Yield the endpoints in an object."""

    def _peers_in(self, objects: Objects, portless: Complaint) -> list[Peer]:
        found: list[Peer] = []
        without = ""
        for name, obj in objects.items():
            for group in self._groups(obj):
                port = self._port_of(group)
                hosts = [(host, each.reference) for each in group.endpoints if (host := _host_in(each))]
                if port is not None:
                    found += [Peer(_pod_in(reference), host, port) for host, reference in hosts]
                elif hosts:
                    without = name
        if without:
            fault = (
                f"no port is called {self._port!r} in {without}: name it in the Service, or give its number"
            )
            portless.say(fault, without)
        else:
            portless.over()
        return found

    def _port_of(self, group: Group) -> int | None:
        if isinstance(self._port, int):
            return self._port
        numbers = [port.get("port") for port in group.ports if port.get("name") == self._port]
        return next((number for number in numbers if isinstance(number, int)), None)


def dicts_in(value: object) -> list[dict[str, Any]]:
    """Return the objects in a list that may be anything: null, for one, where it is empty."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _host_in(endpoint: Endpoint) -> str | None:
    return numeric(endpoint.host) if isinstance(endpoint.host, str) else None


def _pod_in(reference: object) -> str:
    """Return the name of the Pod that an endpoint refers to; empty: it refers to something else."""
    if not isinstance(reference, dict) or reference.get("kind") != "Pod":
        return ""
    name = reference.get("name")
    return name if isinstance(name, str) else ""
