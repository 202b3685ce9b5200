"""Collection: all elections of one kind of lock in a namespace, or in all of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from tenure.errors import LockUnavailableError
from tenure.kubernetes.client import Client
from tenure.kubernetes.status import GoneError
from tenure.locks.codec import Codec, UndecodableError
from tenure.locks.kube_session import KubeSession, Place
from tenure.locks.stamping import utc_now
from tenure.record import Versioned

__all__ = ["Collection", "Found"]

Found = tuple[Place, Versioned]
"""Where a record is, and what it says."""


class Collection:
    """Reads and watches the elections of one kind; the heartbeats of nodes and the like are left out.

    Args:
        client: of the API server.
        codec: of the record within the objects.
        namespace: empty: all of them.
    """

    def __init__(self, client: Client, codec: Codec, namespace: str) -> None:
        self._client = client
        self._codec = codec
        self._namespace = namespace
        self._version = ""
        self._known: set[Place] = set()

    async def read(self, *, timeout: float) -> list[Found]:
        """Return the elections that there are; `timeout` in seconds.

        Raises:
            LockUnavailableError: no usable answer.
            PermissionDeniedError: the store refuses.
        """
        answer = await self._client.list(self._codec.resource, self._namespace, timeout=timeout)
        items, metadata = answer.get("items") or [], answer.get("metadata")
        if not (isinstance(items, list) and isinstance(metadata, dict)):
            raise LockUnavailableError(f"the list of {self._codec.resource.plural} is none: {answer!r:.80}")
        self._version = str(metadata.get("resourceVersion", ""))
        return [found for each in items for found in self._find(each)]

    async def watch(self) -> AsyncGenerator[Found, None]:
        """Yield every change since the last `read`; ends when the store ends the watch, or lost that history.

        Raises:
            LockUnavailableError: the watch broke.
            PermissionDeniedError: watching is not allowed.
        """
        events = self._client.watch(self._codec.resource, self._namespace, resource_version=self._version)
        try:
            async with aclosing(events):
                async for event in events:
                    if event.type != "BOOKMARK":
                        for found in self._find(event.object, deleted=event.type == "DELETED"):
                            yield found
        except GoneError:
            return

    def _find(self, obj: Mapping[str, Any], *, deleted: bool = False) -> list[Found]:
        try:
            metadata = obj["metadata"]
            place = Place(self._codec.resource, metadata["namespace"], metadata["name"])
        except (KeyError, TypeError) as error:
            raise LockUnavailableError(
                f"a list of {self._codec.resource.plural} holds something else: {obj!r:.80}"
            ) from error
        if place not in self._known and not self._is_election(obj):
            return []
        self._known.add(place)  # one that was emptied by hand is still there, and free
        session = KubeSession(self._client, place, self._codec, labels={}, wall=utc_now)
        return [(place, session.observe(obj, deleted=deleted))]

    def _is_election(self, obj: Mapping[str, Any]) -> bool:
        try:
            return self._codec.is_election(obj)
        except UndecodableError:
            return True  # the record will say what is wrong
