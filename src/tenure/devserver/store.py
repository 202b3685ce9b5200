"""The store: objects under one rising revision, as in etcd, with a bounded history of their changes."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tenure.devserver.kinds import Kind
from tenure.devserver.status import expired

__all__ = ["Change", "Object", "Store"]

Object = dict[str, Any]
"""A Kubernetes object. Stored ones are never modified: they are replaced."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write: what was there before, what is there after; None where there is nothing.

    A deletion's `before` carries the revision of the deletion, as watchers are to see it.
    """

    revision: int
    kind: Kind
    before: Object | None
    after: Object | None


class Store:
    """Objects by kind, namespace and name. Used from one event loop, it needs no lock: no write waits.

    Args:
        history: how many changes are kept for watches that begin in the past.
    """

    def __init__(self, *, history: int) -> None:
        self.revision = 1
        self._objects: dict[tuple[str, str, str], Object] = {}
        self._history: deque[Change] = deque(maxlen=history)
        self._forgotten = 0  # the newest revision whose change is no longer known
        self._waiters: set[asyncio.Future[None]] = set()

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object, to be read only; None if there is none."""
        return self._objects.get((kind.resource, namespace, name))

    def items(self, kind: Kind, namespace: str | None) -> list[Object]:
        """All objects of a kind in key order, in one namespace or (None) in all of them."""
        wanted = [key for key in self._objects if key[0] == kind.resource and namespace in (None, key[1])]
        return [self._objects[key] for key in sorted(wanted)]

    def put(self, kind: Kind, obj: Object) -> Object:
        """Store an object under the next revision; returns it as stored."""
        key = self._key(kind, obj)
        stored = self._stamped(obj)
        before = self._objects.get(key)
        self._objects[key] = stored
        self._record(kind, before, stored)
        return stored

    def remove(self, kind: Kind, obj: Object) -> Object:
        """Remove an object; returns it with the revision of its deletion."""
        last = self._stamped(obj)
        del self._objects[self._key(kind, obj)]
        self._record(kind, last, None)
        return last

    def changes_since(self, revision: int) -> Iterator[Change]:
        """The changes after `revision`, oldest first.

        Raises:
            StatusError: 410, some of them are forgotten.
        """
        if revision < self._forgotten:
            raise expired(revision, self._forgotten)
        newer: list[Change] = []
        for change in reversed(self._history):
            if change.revision <= revision:
                break
            newer.append(change)
        return reversed(newer)

    async def wait_beyond(self, revision: int) -> None:
        """Wait until there is a change after `revision`."""
        while self.revision <= revision:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    @staticmethod
    def _key(kind: Kind, obj: Object) -> tuple[str, str, str]:
        metadata = obj["metadata"]
        return kind.resource, metadata.get("namespace", ""), metadata["name"]

    def _stamped(self, obj: Object) -> Object:
        stored = copy.deepcopy(obj)
        stored["metadata"]["resourceVersion"] = str(self.revision + 1)
        return stored

    def _record(self, kind: Kind, before: Object | None, after: Object | None) -> None:
        self.revision += 1
        if len(self._history) == self._history.maxlen:
            self._forgotten = self._history[0].revision
        self._history.append(Change(self.revision, kind, before, after))
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
