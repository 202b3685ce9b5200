"""RecordStore: what an API server does to one object, without time, network or threads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tenure.record import Record, UnreadableRecord, Versioned
from tenure.requests import NoteRequest, WriteRequest

__all__ = ["RecordStore"]

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class RecordStore:
    """One record with compare-and-swap and its history.

    Attributes:
        history: every fact that a watch can still tell, by version.
        version: of the newest fact.
        compacted: facts up to this version are no longer told: a watch that begins there is answered 410.
    """

    def __init__(self) -> None:
        self.history: dict[int, Versioned] = {0: Versioned(None, 0)}
        self.version = 0
        self.compacted = 0
        self._uids = 0
        self._serial = 0  # of the changes, which no restore turns back; `raw` of a fact

    @property
    def head(self) -> Versioned:
        """The newest fact; a deletion has the version at which it happened."""
        return self.history[self.version]

    def read(self, version: int | None = None) -> Versioned:
        """Answer a GET: an absence has no version. `version`: from a replica that is that far behind."""
        seen = self.head if version is None else self.history[version]
        return seen if seen.record is not None else Versioned(None, 0)

    def apply(self, request: WriteRequest) -> Versioned | None:
        """Do what a write asks for; None: conflict."""
        head = self.head
        if request.base is None:
            return self.put(request.record) if head.record is None else None
        if head.record is None or request.base.version != head.version or request.base.uid != head.uid:
            return None
        # As in the real store, an identical write is accepted and changes nothing: no version, no event.
        return head if request.record == head.record else self.put(request.record)

    def note(self, request: NoteRequest) -> Versioned | None:
        """Write a note into the record that is there, whose times stay; None: conflict."""
        head = self.head
        if (request.base.version, request.base.uid) != (head.version, head.uid) or head.record is None:
            return None
        return self.put(request.record, stamped=False)

    def put(self, record: Record | UnreadableRecord, *, stamped: bool = True) -> Versioned:
        """Store a record whatever is there, with a new `renew_time` if it is `stamped`."""
        if self.head.record is None:
            self._uids += 1
        if stamped and isinstance(record, Record):
            record = replace(record, renew_time=_BEGINNING + timedelta(seconds=self.version + 1))
        return self._append(Versioned(record, self.version + 1, f"uid{self._uids}", self._next_serial()))

    def touch(self) -> Versioned:
        """Change other metadata, as an annotator does."""
        return self._append(replace(self.head, version=self.version + 1, raw=self._next_serial()))

    def delete(self) -> Versioned:
        """Delete the object."""
        return self._append(Versioned(None, self.version + 1, self.head.uid, self._next_serial()))

    def restore(self, version: int) -> Versioned:
        """Go back in history, as an etcd does that is restored from a snapshot."""
        self.version = version
        self.history = {v: seen for v, seen in self.history.items() if v <= version}
        return self.head

    def compact(self, version: int) -> None:
        """Forget the history before a version."""
        self.compacted = version
        self.history = {v: seen for v, seen in self.history.items() if v >= version}

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def _append(self, seen: Versioned) -> Versioned:
        self.version = seen.version
        self.history[seen.version] = seen
        return seen
