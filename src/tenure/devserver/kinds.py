"""The kinds that the server knows, and in what they differ."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KINDS", "Kind", "find_kind", "is_served"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of object.

    Attributes:
        group: API group, empty for the core.
        version: API version.
        kind: its name in ``kind`` fields.
        plural: its name in URLs.
        fields: top-level fields that are kept besides the metadata; others are dropped.
        short_names: what ``kubectl`` accepts besides.
        namespaced: whether its objects live in namespaces.
        put_creates: whether a PUT without uid and version creates what is missing.
        put_needs_version: whether a PUT on an existing object must carry its ``resourceVersion``.
        delete_returns_object: whether a deletion answers with the object, else with a ``Status``.
        storage: its part of the server's storage keys, which some messages show.
        selectable: field paths for field selectors besides name and namespace.
    """

    group: str = ""
    version: str = "v1"
    kind: str
    plural: str
    fields: tuple[str, ...]
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    put_creates: bool = False
    put_needs_version: bool = False
    delete_returns_object: bool = False
    storage: str
    selectable: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """``group/version``, or the version alone for the core."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The resource with its group, as messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


_EVENT_PATHS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

KINDS: tuple[Kind, ...] = (
    Kind(
        group="coordination.k8s.io",
        kind="Lease",
        plural="leases",
        fields=("spec",),
        put_creates=True,
        put_needs_version=True,
        storage="leases",
    ),
    Kind(
        kind="ConfigMap",
        plural="configmaps",
        fields=("data", "binaryData", "immutable"),
        short_names=("cm",),
        storage="configmaps",
    ),
    Kind(
        kind="Endpoints",
        plural="endpoints",
        fields=("subsets",),
        short_names=("ep",),
        put_creates=True,
        storage="services/endpoints",
    ),
    Kind(
        kind="Pod",
        plural="pods",
        fields=("spec", "status"),
        short_names=("po",),
        delete_returns_object=True,
        storage="pods",
        selectable=("spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP"),
    ),
    Kind(
        kind="Service",
        plural="services",
        fields=("spec", "status"),
        short_names=("svc",),
        put_creates=True,
        delete_returns_object=True,
        storage="services/specs",
    ),
    Kind(
        kind="ServiceAccount",
        plural="serviceaccounts",
        fields=("secrets", "imagePullSecrets", "automountServiceAccountToken"),
        short_names=("sa",),
        delete_returns_object=True,
        storage="serviceaccounts",
    ),
    Kind(
        kind="Namespace",
        plural="namespaces",
        fields=("spec", "status"),
        short_names=("ns",),
        namespaced=False,
        delete_returns_object=True,
        storage="namespaces",
        selectable=("status.phase",),
    ),
    Kind(
        kind="Event",
        plural="events",
        fields=(
            *(
                "involvedObject",
                "reason",
                "message",
                "source",
                "firstTimestamp",
                "lastTimestamp",
                "count",
                "type",
            ),
            *("eventTime", "series", "action", "related", "reportingComponent", "reportingInstance"),
        ),
        short_names=("ev",),
        put_creates=True,
        storage="events",
        selectable=(*(f"involvedObject.{path}" for path in _EVENT_PATHS), "reason", "type"),
    ),
    Kind(
        group="discovery.k8s.io",
        kind="EndpointSlice",
        plural="endpointslices",
        fields=("addressType", "endpoints", "ports"),
        storage="endpointslices",
    ),
)


def find_kind(api_version: str, plural: str) -> Kind | None:
    """The kind that a URL's group, version and resource name."""
    return next((kind for kind in KINDS if (kind.api_version, kind.plural) == (api_version, plural)), None)


def is_served(api_version: str) -> bool:
    """Whether any kind of this group and version is known."""
    return any(kind.api_version == api_version for kind in KINDS)
