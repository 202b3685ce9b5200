"""Watch: newline-delimited events out of the chunks of an endless answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any, NamedTuple

from tenure.errors import LockUnavailableError
from tenure.kubernetes.json_text import parse_json
from tenure.kubernetes.operation import Operation
from tenure.kubernetes.status import excerpt, parse_status_event

__all__ = ["WatchEvent", "read_events"]

# An object of etcd's limit (1.5 MiB) with all its characters escaped stays below.
_MAX_LINE = 4 * 1024 * 1024


class WatchEvent(NamedTuple):
    """One event: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``, and the object."""

    type: str
    object: dict[str, Any]


async def read_events(operation: Operation, chunks: AsyncIterable[bytes]) -> AsyncGenerator[WatchEvent, None]:
    """Yield the events; ends when the server ends the watch.

    Raises:
        GoneError: the server no longer has the history.
        LockUnavailableError: an event is none, is too long, or is cut off.
    """
    pending = bytearray()
    async for chunk in chunks:
        searched = len(pending)
        pending += chunk
        while (end := pending.find(b"\n", searched)) >= 0:
            line = bytes(pending[:end])
            del pending[: end + 1]
            searched = 0
            if line.strip():
                yield _parse(operation, line)
        if len(pending) > _MAX_LINE:
            raise LockUnavailableError(f"{operation}: an event is longer than {_MAX_LINE} bytes")
    if pending.strip():
        raise LockUnavailableError(f"{operation}: the watch was cut off within an event")


def _parse(operation: Operation, line: bytes) -> WatchEvent:
    try:
        event = parse_json(line)
        kind, found = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise LockUnavailableError(f"{operation}: not an event of a watch: {excerpt(line)}") from error
    if kind == "ERROR":
        raise parse_status_event(operation, found)
    if not (isinstance(kind, str) and isinstance(found, dict) and isinstance(found.get("metadata"), dict)):
        raise LockUnavailableError(f"{operation}: the watch yields something else than objects")
    return WatchEvent(kind, found)
