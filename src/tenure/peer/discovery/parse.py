"""Parse: the way to find peers that a command line names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tenure.errors import ConfigurationError
from tenure.peer.discovery.address import split_host_port
from tenure.peer.discovery.discovery import Discovery
from tenure.peer.discovery.dns import DnsPeers
from tenure.peer.discovery.file import FilePeers
from tenure.peer.discovery.srv import SrvPeers
from tenure.peer.discovery.static import StaticPeers

if TYPE_CHECKING:
    from tenure.kubernetes.config import ClusterConfig
    from tenure.peer.discovery.kube import KubePeers

__all__ = ["parse_discovery"]

_SERVICE = re.compile(r"(?:(?P<namespace>[^/:]+)/)?(?P<service>[^/:]+)(?::(?P<port>[^/:]+))?")
_PODS = re.compile(r"(?P<set>[^.\[\]]+)-\[0-(?P<last>[0-9]{1,3})\]\.(?P<place>.+)")
_WAYS = "endpointslices:SERVICE, endpoints:SERVICE, dns:HOST:PORT, srv:NAME, file:PATH or NAME=HOST:PORT,…"


def parse_discovery(
    text: str,
    *,
    namespace: str | None = None,
    cluster: Callable[[], ClusterConfig] | None = None,
) -> Discovery:
    """Return the way that a text means.

    - ``endpointslices:[NAMESPACE/]SERVICE[:PORT]``, ``endpoints:[NAMESPACE/]SERVICE[:PORT]``: PORT is a name
      or a number, ``peers`` where it is left out
    - ``dns:HOST:PORT``: the addresses of a host name; ``dns:SET-[0-4].SERVICE:PORT``: of five Pods of a
      StatefulSet
    - ``srv:NAME``: SRV records
    - ``file:PATH``: a list in a file
    - ``NAME=HOST:PORT,…`` or ``HOST:PORT,…``: a list

    Args:
        text: one of these.
        namespace: of a Service that names none; None: see `KubePeers`.
        cluster: returns the API server to ask; called only where one is asked. None: the Pod's own.

    Raises:
        ConfigurationError: it is none of these, or what it names cannot be used.
    """
    way, colon, rest = text.partition(":")
    match way if colon and rest else "":
        # Imported only here: who does without the API server need not load its client.
        case "endpointslices":
            from tenure.peer.discovery.endpoint_slices import EndpointSlicePeers

            return _kube(EndpointSlicePeers, rest, namespace, cluster)
        case "endpoints":
            from tenure.peer.discovery.endpoints import EndpointsPeers

            return _kube(EndpointsPeers, rest, namespace, cluster)
        case "dns":
            return _dns(rest)
        case "srv":
            return SrvPeers(rest)
        case "file":
            return FilePeers(rest)
    try:
        return StaticPeers(each.strip() for each in text.split(","))
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; write {_WAYS}") from error


def _kube(
    kind: type[KubePeers], text: str, namespace: str | None, cluster: Callable[[], ClusterConfig] | None
) -> Discovery:
    found = _SERVICE.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"{text!r:.80} is no Service: [NAMESPACE/]SERVICE[:PORT]")
    port = found["port"] or "peers"
    return kind(
        found["service"],
        found["namespace"] or namespace,
        port=int(port) if port.isascii() and port.isdigit() else port,
        config=cluster() if cluster else None,
    )


def _dns(text: str) -> Discovery:
    pods = _PODS.fullmatch(text)
    if pods is not None:
        host, port = split_host_port(pods["place"])
        return DnsPeers(host, port, stateful_set=pods["set"], ordinals=int(pods["last"]) + 1)
    if "-[" in text:
        raise ConfigurationError(
            f"{text!r:.80} names no Pods of a StatefulSet: dns:SET-[0-LAST].SERVICE:PORT"
        )
    return DnsPeers(*split_host_port(text))
