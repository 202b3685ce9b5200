"""Client: the calls that an election makes of the API server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urlencode

from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.operation import Operation
from tenure.kubernetes.resource import Resource
from tenure.kubernetes.status import parse_object
from tenure.kubernetes.transport import Outgoing, Transport
from tenure.kubernetes.watch import WatchEvent, read_events

__all__ = ["Client"]

# How long a watch may take to begin; the API server sends the headers of an empty watch at once.
_WATCH_ANSWER_TIMEOUT_S = 10.0


class Client:
    """One API server, one identity, one event loop.

    Every `timeout` is in seconds and covers the whole call. All calls raise

    - `LockUnavailableError`: no usable answer. ``refused`` says that nothing was applied; else a write may
      have been, or may be later.
    - `PermissionDeniedError`: the message holds the RBAC rule that is missing.
    - `NotFoundError` (not `create` and `list`), `ConflictError` (`create`, `replace`, `patch`, `delete`).
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._server = config.server.rstrip("/")
        self._transport = Transport(config)

    async def get(self, resource: Resource, namespace: str, name: str, *, timeout: float) -> dict[str, Any]:
        """Read the newest state of one object, never from a cache."""
        operation = self._operation("get", resource, namespace, name)
        return await self._call(operation, Outgoing("GET", resource.path(namespace, name)), timeout)

    async def list(
        self,
        resource: Resource,
        namespace: str,
        *,
        field_selector: str = "",
        label_selector: str = "",
        timeout: float,
    ) -> dict[str, Any]:
        """Read a collection."""
        operation = self._operation("list", resource, namespace, _selected_name(field_selector))
        query = _query(fieldSelector=field_selector, labelSelector=label_selector)
        return await self._call(operation, Outgoing("GET", resource.path(namespace) + query), timeout)

    async def create(
        self, resource: Resource, namespace: str, body: Mapping[str, Any], *, timeout: float
    ) -> dict[str, Any]:
        """Create an object, which must bear its name."""
        operation = self._operation("create", resource, namespace, body["metadata"]["name"])
        outgoing = Outgoing("POST", resource.path(namespace), _encode(body))
        return await self._call(operation, outgoing, timeout)

    async def replace(
        self, resource: Resource, namespace: str, name: str, body: Mapping[str, Any], *, timeout: float
    ) -> dict[str, Any]:
        """Replace an object; with ``resourceVersion`` and ``uid`` in `body`, only that very state of it."""
        operation = self._operation("update", resource, namespace, name)
        outgoing = Outgoing("PUT", resource.path(namespace, name), _encode(body))
        return await self._call(operation, outgoing, timeout)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Any,
        *,
        content_type: str,
        timeout: float,
    ) -> dict[str, Any]:
        """Patch an object; `content_type` such as ``application/merge-patch+json``."""
        operation = self._operation("patch", resource, namespace, name)
        outgoing = Outgoing("PATCH", resource.path(namespace, name), _encode(body), content_type)
        return await self._call(operation, outgoing, timeout)

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        timeout: float,
    ) -> dict[str, Any]:
        """Delete an object; with `uid` or `resource_version`, only that one or that very state of it."""
        operation = self._operation("delete", resource, namespace, name)
        wanted = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {key: value for key, value in wanted.items() if value is not None}
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if preconditions:
            body["preconditions"] = preconditions
        outgoing = Outgoing("DELETE", resource.path(namespace, name), _encode(body))
        return await self._call(operation, outgoing, timeout)

    async def watch(
        self,
        resource: Resource,
        namespace: str,
        *,
        resource_version: str,
        field_selector: str = "",
        label_selector: str = "",
        timeout_seconds: int | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Yield every change after `resource_version`; ends when the server ends the watch.

        Leave it with ``contextlib.aclosing``, which closes its connection at once.

        Raises:
            GoneError: the server no longer has that history: read, then watch from there.
            LockUnavailableError: the watch could not begin, or broke.
            PermissionDeniedError: the message holds the RBAC rule that is missing.
        """
        operation = self._operation("watch", resource, namespace, _selected_name(field_selector))
        query = _query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            fieldSelector=field_selector,
            labelSelector=label_selector,
            timeoutSeconds="" if timeout_seconds is None else str(timeout_seconds),
        )
        outgoing = Outgoing("GET", resource.path(namespace) + query)
        async with (
            self._transport.stream(operation, outgoing, _WATCH_ANSWER_TIMEOUT_S) as chunks,
            aclosing(read_events(operation, chunks)) as events,
        ):
            async for event in events:
                yield event

    async def aclose(self) -> None:
        """Close all connections; calls and watches that still run fail."""
        await self._transport.aclose()

    def _operation(self, verb: str, resource: Resource, namespace: str, name: str) -> Operation:
        return Operation(verb, resource, namespace, name, self._server)

    async def _call(self, operation: Operation, outgoing: Outgoing, timeout: float) -> dict[str, Any]:
        return parse_object(operation, await self._transport.call(operation, outgoing, timeout))


def _encode(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _query(**parameters: str) -> str:
    given = {name: value for name, value in parameters.items() if value}
    return f"?{urlencode(given)}" if given else ""


def _selected_name(field_selector: str) -> str:
    """Return the one object that a selector names, because a rule with ``resourceNames`` allows that."""
    field, _, value = field_selector.partition("=")
    return value if field == "metadata.name" and "," not in value else ""
