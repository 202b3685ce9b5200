"""A small plain client of the Kubernetes API, independent of tenure's own."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

__all__ = ["Answer", "Api", "Events", "lease"]

_GIVE_UP_S = 60  # a test that waits this long hangs; nothing is measured by it


@dataclass(frozen=True)
class Answer:
    """A status code, and the body: decoded where it is JSON."""

    code: int
    body: Any

    @property
    def failure(self) -> tuple[int, str, str]:
        """Code, reason and message of a Status."""
        assert self.body["kind"] == "Status"
        assert self.body["code"] == self.code
        return self.code, self.body.get("reason", ""), self.body["message"]

    @property
    def metadata(self) -> dict[str, Any]:
        """The object's metadata."""
        metadata: dict[str, Any] = self.body["metadata"]
        return metadata

    @property
    def version(self) -> str:
        """The object's resourceVersion."""
        return str(self.metadata["resourceVersion"])


class Events:
    """The events of an open watch."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response

    def next(self) -> tuple[str, dict[str, Any]]:
        """Wait for the next event: its type and its object. StopIteration at the end of the stream."""
        line = self._response.readline()
        if not line:
            raise StopIteration
        event = json.loads(line)
        return event["type"], event["object"]

    def rest(self) -> list[tuple[str, dict[str, Any]]]:
        """All events until the stream ends."""
        lines = [json.loads(line) for line in self._response]
        return [(event["type"], event["object"]) for event in lines]


class Api:
    """One server, and a namespace of it that belongs to one test."""

    def __init__(self, url: str, *, token: str = "", ca_file: str = "", namespace: str = "default") -> None:
        self.url = urlsplit(url)
        self.namespace = namespace
        self._token = token
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file else None

    def path(self, resource: str, name: str = "", **query: object) -> str:
        """The URL path of a resource in this namespace, such as ``leases.coordination.k8s.io``."""
        plural, _, group = resource.partition(".")
        base = f"/apis/{group}/v1" if group else "/api/v1"
        path = f"{base}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")
        return f"{path}?{urlencode(query)}" if query else path

    def request(
        self, method: str, path: str, body: object = None, media_type: str = "application/json"
    ) -> Answer:
        """Make one request."""
        connection = self._send(method, path, body, media_type)
        try:
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(response.status, json.loads(text) if is_json else text)

    def get(self, resource: str, name: str = "", **query: object) -> Answer:
        """GET an object or a list."""
        return self.request("GET", self.path(resource, name, **query))

    def post(self, resource: str, body: object) -> Answer:
        """Create an object."""
        return self.request("POST", self.path(resource), body)

    def put(self, resource: str, body: dict[str, Any], name: str = "") -> Answer:
        """Replace an object under its own name, or under another."""
        return self.request("PUT", self.path(resource, name or body["metadata"]["name"]), body)

    def patch(self, resource: str, name: str, patch: object, form: str = "merge-patch") -> Answer:
        """Patch an object: ``merge-patch``, ``json-patch`` or ``strategic-merge-patch``."""
        return self.request("PATCH", self.path(resource, name), patch, f"application/{form}+json")

    def delete(self, resource: str, name: str = "", body: object = None, **query: object) -> Answer:
        """Delete an object, or all that match."""
        return self.request("DELETE", self.path(resource, name, **query), body)

    @contextmanager
    def watch(self, resource: str, **query: object) -> Iterator[Events]:
        """Open a watch."""
        connection = self._send("GET", self.path(resource, watch="true", **query), None, "")
        try:
            response = connection.getresponse()
            assert response.status == 200, response.read()
            yield Events(response)
        finally:
            connection.close()

    def _send(self, method: str, path: str, body: object, media_type: str) -> http.client.HTTPConnection:
        host, port = self.url.hostname or "", self.url.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=_GIVE_UP_S, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(host, port, timeout=_GIVE_UP_S)
        )
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Content-Type": media_type} if data is not None else {}
        headers |= {"Authorization": f"Bearer {self._token}"} if self._token else {}
        connection.request(method, path, data, headers)
        return connection


def lease(name: str = "x", **spec: object) -> dict[str, Any]:
    """A Lease with this spec."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name},
        "spec": spec,
    }
