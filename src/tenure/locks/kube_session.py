"""KubeSession: a `KubeLock` in use, by one event loop."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from tenure.errors import ConflictError, LockUnavailableError, TenureError
from tenure.kubernetes.client import Client
from tenure.kubernetes.resource import Resource
from tenure.kubernetes.status import GoneError, NotFoundError
from tenure.kubernetes.watch import WatchEvent
from tenure.locks.codec import Codec, UndecodableError, section_of
from tenure.locks.stamping import Stamping, Wall
from tenure.record import Record, UnreadableRecord, Versioned

__all__ = ["KubeSession", "Place"]

# client-go compares times by the second, so a renewal must move on by one to be seen there.
_STAMP_STEP = timedelta(seconds=1)


class Place(NamedTuple):
    """Where an object is."""

    resource: Resource
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.resource.kind.lower()} {self.namespace}/{self.name}"


class KubeSession:
    """Reads, writes and watches one object; see `tenure.lock.LockSession` for the contract.

    Args:
        client: of the API server.
        place: of the object.
        codec: of the record within the object.
        labels: to merge into the object's own with every write.
        wall: the wall clock for the times in the record.
    """

    def __init__(
        self, client: Client, place: Place, codec: Codec, *, labels: Mapping[str, str], wall: Wall
    ) -> None:
        self._client = client
        self._place = place
        self._codec = codec
        self._labels = labels
        self._stamping = Stamping(step=_STAMP_STEP, resolution=codec.resolution, wall=wall)
        self._gone_version = 0  # the newest version whose history the server is known to have lost

    async def read(self, *, timeout: float) -> Versioned:
        try:
            with _only(NotFoundError):
                obj = await self._client.get(*self._place, timeout=timeout)
        except NotFoundError:
            return Versioned(record=None, version=0)
        return self.observe(obj)

    async def create(self, record: Record, *, timeout: float) -> Versioned:
        resource, namespace, name = self._place
        body = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name, "namespace": namespace},
        }
        self._write_into(body, record)
        with _only(ConflictError):
            return self.observe(await self._client.create(resource, namespace, body, timeout=timeout))

    async def replace(self, base: Versioned, record: Record, *, timeout: float) -> Versioned:
        # The whole object goes back, with its uid and resourceVersion: what others put into it survives,
        # and a PUT that arrives after a deletion is refused instead of creating the object anew.
        body = copy.deepcopy(base.raw)
        self._write_into(body, record)
        try:
            with _only(ConflictError, NotFoundError):
                return self.observe(await self._client.replace(*self._place, body, timeout=timeout))
        except NotFoundError as error:
            raise ConflictError(f"{self._place} is gone") from error

    async def watch(self, since: Versioned) -> AsyncGenerator[Versioned, None]:
        version = self._start_of_watch(since)
        must_exist = not version and since.record is not None
        alive = True
        while alive:  # a watch that the server ended in peace is taken up where it ended
            alive = False
            async with aclosing(self._events(version)) as events:
                async for event in events:
                    alive = True
                    version = str(self._version_of(event.object))
                    if event.type != "BOOKMARK":
                        must_exist = False
                        seen = self.observe(event.object, deleted=event.type == "DELETED")
                        if (seen.version, seen.uid) != (since.version, since.uid):
                            yield seen
                    elif must_exist:
                        return  # the object should have come first: it was deleted after it was read

    def _start_of_watch(self, since: Versioned) -> str:
        """Return the version to watch from; empty: none.

        Without a version the server first sends the object, if there is one, and then every change: so what
        was created between a 404 and the watch is not lost (nor would it be with version 0, but that may
        begin at any old state). An object that nobody changed for long, or since the API server started, is
        older than the history that can be watched: 410, and the next read finds it at that same version, so
        watching from there once more would go in circles.
        """
        return "" if since.version <= self._gone_version else str(since.version)

    async def _events(self, version: str) -> AsyncGenerator[WatchEvent, None]:
        resource, namespace, name = self._place
        events = self._client.watch(
            resource,
            namespace,
            resource_version=version,
            field_selector=f"metadata.name={name}",
        )
        try:
            with _only(GoneError):
                async with aclosing(events):
                    async for event in events:
                        yield event
        except GoneError:
            self._gone_version = max(self._gone_version, int(version or 0))

    def _write_into(self, obj: dict[str, Any], record: Record) -> None:
        if self._labels:
            metadata = obj["metadata"]
            metadata["labels"] = {**(metadata.get("labels") or {}), **self._labels}
        self._codec.encode(self._stamping.stamp(record), obj)

    def observe(self, obj: Mapping[str, Any], *, deleted: bool = False) -> Versioned:
        """Return what the API server's form of the object says.

        Raises:
            LockUnavailableError: it is none: without a version, or with another kind of uid.
        """
        version, uid = self._version_of(obj), obj["metadata"].get("uid") or ""
        if not isinstance(uid, str):
            raise LockUnavailableError(f"{self._place}: the server's answer has the uid {uid!r:.40}")
        if deleted:
            return Versioned(record=None, version=version, uid=uid)
        return Versioned(self._decode(obj), version, uid, obj)

    def _version_of(self, obj: Mapping[str, Any]) -> int:
        version = obj["metadata"].get("resourceVersion")
        # A version may have any size (KEP-5504), but none comes near the digits that Python reads.
        is_one = isinstance(version, str) and version.isascii() and version.isdigit() and len(version) < 1000
        if not is_one:
            raise LockUnavailableError(f"{self._place}: the server's answer has the version {version!r:.40}")
        return int(version)

    def _decode(self, obj: Mapping[str, Any]) -> Record | UnreadableRecord:
        try:
            section_of(obj["metadata"], "labels")  # a write merges ours into them
            return self._codec.decode(obj)
        except UndecodableError as error:
            reason = f"{self._place}: {error}"
            if not error.refused:
                command = self._codec.freeing_command(self._place.namespace, self._place.name)
                reason = f"{reason}; when no leader is at work, free it with: {command}"
            return UnreadableRecord(reason, refused=error.refused)


@contextmanager
def _only(*meant: type[TenureError]) -> Iterator[None]:
    """Let pass what can be `meant`; an answer to another question (a 410 to a write) tells nothing."""
    try:
        yield
    except meant:
        raise
    except (ConflictError, GoneError, NotFoundError) as error:
        raise LockUnavailableError(str(error)) from error
