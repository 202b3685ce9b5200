"""EndpointsPeers: for clusters and Roles that know the older object only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tenure.kubernetes.resource import ENDPOINTS, Resource
from tenure.peer.discovery.follower import Selector
from tenure.peer.discovery.kube import Endpoint, Group, KubePeers, dicts_in

__all__ = ["EndpointsPeers"]


class EndpointsPeers(KubePeers):
    """The addresses in a Service's Endpoints object, with the names of their Pods; arguments: `KubePeers`."""

    resource: ClassVar[Resource] = ENDPOINTS
    title: ClassVar[str] = "Endpoints"

    def _selector(self) -> Selector:
        return Selector(fields=f"metadata.name={self._service}")

    def _groups(self, obj: Mapping[str, Any]) -> Iterator[Group]:
        for subset in dicts_in(obj.get("subsets")):
            addresses = [*dicts_in(subset.get("addresses")), *dicts_in(subset.get("notReadyAddresses"))]
            endpoints = [Endpoint(each.get("ip"), each.get("targetRef")) for each in addresses]
            yield Group(dicts_in(subset.get("ports")), endpoints)
