"""Watching: a stream of events from a revision on, with bookmarks and an end."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tenure.devserver.kinds import Kind
from tenure.devserver.selectors import Selector
from tenure.devserver.status import StatusError
from tenure.devserver.store import Change, Object, Store
from tenure.devserver.table import table

__all__ = ["Watch"]


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One watch request.

    Attributes:
        kind, namespace, selector: which objects (namespace None: all).
        since: the revision after which events are sent; None begins with the present objects.
        timeout_s: seconds after which the stream ends.
        bookmark_s: seconds between bookmarks; None sends none.
        as_table: whether the objects are sent as tables of one row.
    """

    kind: Kind
    namespace: str | None
    selector: Selector
    since: int | None
    timeout_s: float
    bookmark_s: float | None
    as_table: bool

    async def lines(self, store: Store) -> AsyncIterator[bytes]:
        """The stream: one JSON event per line. A forgotten revision is an ERROR event with status 410."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.timeout_s
        bookmark_at = clock() + self.bookmark_s if self.bookmark_s is not None else math.inf
        revision = store.revision if self.since is None else self.since
        for line in self._initial(store):
            yield line
        while clock() < deadline:
            await _wait_beyond(store, revision, min(deadline, bookmark_at))
            try:
                changes = list(store.changes_since(revision))
            except StatusError as error:
                yield _line("ERROR", error.status)
                return
            # Noted now: while the lines below are sent, the store may move on.
            revision = max(revision, store.revision)
            for line in filter(None, map(self._event, changes)):
                yield line
            if clock() >= bookmark_at and self.bookmark_s is not None:
                yield self._bookmark(revision)
                bookmark_at = clock() + self.bookmark_s
        if self.bookmark_s is not None:
            yield self._bookmark(revision)

    def _initial(self, store: Store) -> list[bytes]:
        if self.since is not None:
            return []
        lines = [
            self._changed("ADDED", o) for o in store.items(self.kind, self.namespace) if self.selector(o)
        ]
        if self.bookmark_s is not None:  # the mark that tells where the present objects end
            lines.append(self._bookmark(store.revision, {"k8s.io/initial-events-end": "true"}))
        return lines

    def _event(self, change: Change) -> bytes | None:
        before = change.before if self._concerns(change.kind, change.before) else None
        after = change.after if self._concerns(change.kind, change.after) else None
        if after:
            return self._changed("MODIFIED" if before else "ADDED", after)
        if before:  # deleted, or changed so that the selector no longer finds it
            metadata = {**before["metadata"], "resourceVersion": str(change.revision)}
            return self._changed("DELETED", {**before, "metadata": metadata})
        return None

    def _changed(self, event: str, obj: Object) -> bytes:
        return _line(event, table(self.kind, [obj], "") if self.as_table else obj)

    def _concerns(self, kind: Kind, obj: Object | None) -> bool:
        if obj is None or kind is not self.kind:
            return False
        in_place = self.namespace in (None, obj["metadata"].get("namespace", ""))
        return in_place and self.selector(obj)

    def _bookmark(self, revision: int, annotations: dict[str, str] | None = None) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        mark: Object = {"kind": self.kind.kind, "apiVersion": self.kind.api_version, "metadata": metadata}
        if "spec" in self.kind.fields:
            mark["spec"] = {}
        return _line("BOOKMARK", mark)


async def _wait_beyond(store: Store, revision: int, wake: float) -> None:
    """Wait for a change after `revision`, at most until `wake` on the loop's clock."""
    try:
        async with asyncio.timeout_at(wake):
            await store.wait_beyond(revision)
    except TimeoutError:
        pass


def _line(event: str, obj: Object) -> bytes:
    return json.dumps({"type": event, "object": obj}, separators=(",", ":")).encode() + b"\n"
