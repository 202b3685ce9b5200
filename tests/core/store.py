"""A scripted store: one record with compare-and-swap, its history, and hands that meddle with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tenure.record import Record, UnreadableRecord, Versioned
from tenure.requests import WriteRequest

__all__ = ["ScriptedStore"]

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class ScriptedStore:
    """What an API server does to one object, without time, network or threads."""

    def __init__(self) -> None:
        self.history: dict[int, Versioned] = {0: Versioned(None, 0)}
        self.version = 0
        self._uids = 0

    @property
    def head(self) -> Versioned:
        """The newest fact; a deletion has the version at which it happened."""
        return self.history[self.version]

    def read(self) -> Versioned:
        """Answer a GET: an absence has no version."""
        return self.head if self.head.record is not None else Versioned(None, 0)

    def apply(self, request: WriteRequest) -> Versioned | None:
        """Do what a write asks for; None: conflict."""
        if request.base is None:
            return self.put(request.record) if self.head.record is None else None
        if self.head.record is None or request.base.version != self.head.version:
            return None
        return self.put(request.record) if request.base.uid == self.head.uid else None

    def put(self, record: Record | UnreadableRecord, *, stamped: bool = True) -> Versioned:
        """Store a record whatever is there, with a new `renew_time` if it is `stamped`."""
        if self.head.record is None:
            self._uids += 1
        if stamped and isinstance(record, Record):
            record = replace(record, renew_time=_BEGINNING + timedelta(seconds=self.version + 1))
        return self._append(Versioned(record, self.version + 1, f"uid{self._uids}"))

    def touch(self) -> Versioned:
        """Change other metadata, as an annotator does."""
        return self._append(replace(self.head, version=self.version + 1))

    def delete(self) -> Versioned:
        """Delete the object."""
        return self._append(Versioned(None, self.version + 1, self.head.uid))

    def restore(self, version: int) -> Versioned:
        """Go back in history, as an etcd does that is restored from a snapshot."""
        self.version = version
        return self.head

    def _append(self, seen: Versioned) -> Versioned:
        self.version = seen.version
        self.history[seen.version] = seen
        return seen
