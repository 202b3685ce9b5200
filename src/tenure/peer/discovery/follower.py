"""Follower: some objects of the Kubernetes API and every change of them: a list, then a watch, for ever."""

from __future__ import annotations

import logging
import random
from asyncio import sleep
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from tenure.clock import boot_time
from tenure.errors import ConfigurationError, LockUnavailableError, PermissionDeniedError
from tenure.kubernetes.client import Client
from tenure.kubernetes.resource import Resource
from tenure.kubernetes.status import GoneError
from tenure.peer.discovery.complaint import Complaint

__all__ = ["Follower", "Objects", "Selector"]

Objects = Mapping[str, Mapping[str, Any]]
"""Objects by name; what stands in them is not checked."""

_log = logging.getLogger("tenure")
_LIST_TIMEOUT_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
# A watch that lasted this long has shown that the server is well.
_LONG_WATCH_S = 10.0


class Selector(NamedTuple):
    """What chooses objects, as the API server reads it; empty: all."""

    fields: str = ""
    labels: str = ""


class Follower:
    """Follows the objects of one kind in a namespace that a selector chooses.

    Args:
        client: of the API server.
        resource: the kind.
        namespace: theirs.
        selector: which of them.
        describe: returns what the objects are, for the log.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str,
        selector: Selector,
        describe: Callable[[], str],
    ) -> None:
        self._client = client
        self._place = (resource, namespace)
        self._selector = selector
        self._unlisted = Complaint(describe)
        self._unwatched = Complaint(describe, meanwhile=f"listed every {_LONGEST_PAUSE_S:g} s instead")
        self._has_listed = False
        self._pause_s = _FIRST_PAUSE_S

    async def states(self) -> AsyncGenerator[Objects, None]:
        """Yield the present objects, then what there is after every change; does not end.

        Raises:
            PermissionDeniedError: the objects may not be listed, and never could be.
            ConfigurationError: the credentials cannot work, and never did.
        """
        while True:
            wait_s = await self._list()
            if wait_s is None:
                yield self._objects
                began = boot_time()
                async with aclosing(self._changes()) as changes:
                    async for _ in changes:
                        yield self._objects
                if boot_time() - began >= _LONG_WATCH_S:
                    self._pause_s = _FIRST_PAUSE_S
            # At random: a server that comes back is not asked by all at once.
            await sleep(max(wait_s or 0.0, self._pause_s * random.uniform(0.5, 1.0)))
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    async def _list(self) -> float | None:
        """Note what there is; returns how long to wait at least if that was not possible, in seconds."""
        try:
            listed = await self._client.list(
                *self._place,
                field_selector=self._selector.fields,
                label_selector=self._selector.labels,
                timeout=_LIST_TIMEOUT_S,
            )
            self._objects, self._version = _parse(listed)
        except LockUnavailableError as error:
            self._unlisted.say(str(error), f"unanswered {error.unauthorized}")
            return error.retry_after_s or 0.0
        except (PermissionDeniedError, ConfigurationError) as error:
            if not self._has_listed:
                raise
            self._unlisted.say(str(error), type(error).__name__)
            return _LONGEST_PAUSE_S
        self._unlisted.over()
        self._has_listed = True
        return None

    async def _changes(self) -> AsyncGenerator[None, None]:
        """Note every change; ends with the watch, whatever ends it."""
        events = self._client.watch(
            *self._place,
            resource_version=self._version,
            field_selector=self._selector.fields,
            label_selector=self._selector.labels,
        )
        try:
            async with aclosing(events):
                async for event in events:
                    self._unwatched.over()
                    name = event.object["metadata"].get("name", "")
                    if event.type == "DELETED":
                        self._objects.pop(name, None)
                    elif event.type != "BOOKMARK":
                        self._objects[name] = event.object
                    yield
        except (GoneError, LockUnavailableError) as error:
            _log.debug("the watch broke: %s", error)
        except (PermissionDeniedError, ConfigurationError) as error:
            self._unwatched.say(str(error), type(error).__name__)


def _parse(listed: Mapping[str, Any]) -> tuple[dict[str, Mapping[str, Any]], str]:
    """Return the objects in a list, and the version to watch from."""
    try:
        items = {item["metadata"]["name"]: item for item in listed.get("items") or []}
        return items, str(listed["metadata"]["resourceVersion"])
    except (AttributeError, KeyError, TypeError) as error:
        raise LockUnavailableError(f"the server's list is none: {listed!r:.200}") from error
