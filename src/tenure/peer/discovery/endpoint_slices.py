"""EndpointSlicePeers: the usual way within a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tenure.kubernetes.resource import ENDPOINT_SLICES, Resource
from tenure.peer.discovery.follower import Selector
from tenure.peer.discovery.kube import Endpoint, Group, KubePeers, dicts_in

__all__ = ["EndpointSlicePeers"]


class EndpointSlicePeers(KubePeers):
    """The endpoints in a Service's EndpointSlices, with the names of their Pods; arguments: `KubePeers`."""

    resource: ClassVar[Resource] = ENDPOINT_SLICES
    title: ClassVar[str] = "EndpointSlices"

    def _selector(self) -> Selector:
        return Selector(labels=f"kubernetes.io/service-name={self._service}")

    def _groups(self, obj: Mapping[str, Any]) -> Iterator[Group]:
        # Only the first address of an endpoint has a meaning, says the API; conditions (ready, serving,
        # terminating) are about traffic.
        endpoints = [
            Endpoint(addresses[0], each.get("targetRef"))
            for each in dicts_in(obj.get("endpoints"))
            if isinstance(addresses := each.get("addresses"), list) and addresses
        ]
        yield Group(dicts_in(obj.get("ports")), endpoints)
