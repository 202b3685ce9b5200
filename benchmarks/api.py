"""Api: a warm connection to the API server, and a watch of all Leases of a namespace."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from typing import Any, NamedTuple, Self

from tests.cluster.server import Cluster

from tenure.clock import boot_time

__all__ = ["Api", "Change", "LeaseWatch", "leases_path"]

_TIMEOUT_S = 60.0


def leases_path(namespace: str, name: str = "") -> str:
    """Return the path of a namespace's Leases, or of one of them."""
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    return f"{folder}/{name}" if name else folder


class Api:
    """One connection as administrator, which stays open; for one thread."""

    def __init__(self, cluster: Cluster) -> None:
        context = ssl.create_default_context(cafile=str(cluster.ca_file))
        host, _, port = cluster.url.removeprefix("https://").partition(":")
        self._connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=_TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {cluster.admin_token}", "User-Agent": "tenure-benchmarks"}

    def open(self) -> None:
        """Connect now; requests send small packets at once."""
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Make one call and return the decoded answer.

        Raises:
            RuntimeError: the server answered with an error status.
        """
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, {**self._headers, "Content-Type": kind})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status}: {text[:300]!r}")
        return json.loads(text)

    def lines(self, path: str) -> http.client.HTTPResponse:
        """Begin a watch and return its answer, to be read by the line."""
        self._connection.request("GET", path, headers=self._headers)
        return self._connection.getresponse()

    def abort(self) -> None:
        """End whatever still reads, from any thread."""
        if self._connection.sock:
            self._connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()


class Change(NamedTuple):
    """A change of a Lease: when the watch told it (boot time, seconds), which, and its holder since."""

    at: float
    kind: str
    name: str
    holder: str


class LeaseWatch:
    """Follows all Leases of a namespace in a thread of its own, while its block runs."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._api = Api(cluster)
        self._path = f"{leases_path(namespace)}?watch=true&timeoutSeconds=900"
        self._changes: list[Change] = []
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._api.open()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._api.abort()
        self._thread.join(_TIMEOUT_S)
        self._api.close()

    def of(self, name: str, after: float = 0.0) -> list[Change]:
        """Return the changes of one Lease after a boot time, oldest first."""
        return [change for change in tuple(self._changes) if change.name == name and change.at > after]

    def _read(self) -> None:
        try:
            for line in self._api.lines(self._path):
                event = json.loads(line)
                found = event["object"]
                holder = found.get("spec", {}).get("holderIdentity") or ""
                self._changes.append(Change(boot_time(), event["type"], found["metadata"]["name"], holder))
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the block has ended
