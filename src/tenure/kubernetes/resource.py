"""Resource: a kind of object that the API server serves, and where it serves it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["CONFIGMAPS", "ENDPOINTS", "ENDPOINT_SLICES", "EVENTS", "LEASES", "PODS", "Resource"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A namespaced kind of object.

    Attributes:
        group: API group; empty for the core group.
        version: API version, such as ``v1``.
        plural: the name in paths and RBAC rules, such as ``leases``.
        kind: the name in objects, such as ``Lease``.
    """

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """The ``apiVersion`` of such an object, such as ``coordination.k8s.io/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str, name: str = "") -> str:
        """Return the URL path of one object, or of the collection when `name` is empty.

        Without `namespace` it is the collection of all namespaces.
        """
        root = f"/apis/{self.group}" if self.group else "/api"
        within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        path = f"{root}/{self.version}{within}/{self.plural}"
        return f"{path}/{quote(name, safe='')}" if name else path


LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
CONFIGMAPS = Resource("", "v1", "configmaps", "ConfigMap")
ENDPOINTS = Resource("", "v1", "endpoints", "Endpoints")
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
PODS = Resource("", "v1", "pods", "Pod")
EVENTS = Resource("", "v1", "events", "Event")
