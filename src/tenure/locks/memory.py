"""MemoryLock: a lock within one process, for tests and for development."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from tenure.errors import ConflictError
from tenure.lock import LockSession
from tenure.locks.memory_roster import MemoryRoster
from tenure.locks.roster import Roster
from tenure.locks.stamping import Stamping, Wall, utc_now
from tenure.record import Record, UnreadableRecord, Versioned

__all__ = ["MemoryLock"]

_HISTORY = 1024  # changes kept for watchers; one that falls further behind reads again, as after a 410


class MemoryLock:
    """A record in this process's memory, with the versions, uids and watches of the real store.

    Electors contend for it if they share the object, also from several event loops and threads; two
    objects are two elections, whatever their names.

    Args:
        name: for people.
        wall: the wall clock for the times in the record.
    """

    def __init__(self, name: str = "memory", *, wall: Wall = utc_now) -> None:
        self.name = name
        self._wall = wall
        self._store = _Store(self.describe())
        self._roster = MemoryRoster()

    def describe(self) -> str:
        """Return ``memory NAME``."""
        return f"memory {self.name}"

    @property
    def election(self) -> str:
        """The name."""
        return self.name

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        """Return a session; there is nothing to connect to, so it never fails."""
        yield _MemorySession(self._store, self._wall)

    @asynccontextmanager
    async def open_roster(self) -> AsyncIterator[Roster]:
        """Return the roster of candidates; see `tenure.locks.roster`."""
        yield self._roster

    def edit(self, record: Record | UnreadableRecord) -> Versioned:
        """Store a record without any condition, creating it if need be: a person with an editor."""
        return self._store.put(record)

    def delete(self) -> None:
        """Delete the object, if there is one; whoever creates it again gives it a new uid."""
        self._store.delete()


class _MemorySession:
    """A `MemoryLock` in use by one event loop; nothing here waits, so no timeout is ever reached."""

    def __init__(self, store: _Store, wall: Wall) -> None:
        self._store = store
        microsecond = timedelta(microseconds=1)
        self._stamping = Stamping(step=microsecond, resolution=microsecond, wall=wall)

    async def read(self, *, timeout: float) -> Versioned:
        return self._store.read()

    async def create(self, record: Record, *, timeout: float) -> Versioned:
        return self._store.create(self._stamping.stamp(record))

    async def replace(self, base: Versioned, record: Record, *, timeout: float) -> Versioned:
        return self._store.replace(base, self._stamping.stamp(record))

    async def watch(self, since: Versioned) -> AsyncGenerator[Versioned, None]:
        watcher = _Watcher(asyncio.get_running_loop(), asyncio.Event())
        self._store.watchers.add(watcher)
        try:
            version = since.version
            while (changes := self._store.changes_after(version)) is not None:
                for change in changes:
                    version = change.version
                    yield change
                await watcher.changed.wait()
                watcher.changed.clear()
        finally:
            self._store.watchers.discard(watcher)


@dataclass(frozen=True, eq=False)
class _Watcher:
    """Wakes one watch, from whatever thread the change comes."""

    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event

    def wake(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self.changed.set)
        except RuntimeError:
            pass  # its loop was closed under it: nobody is left to wake


class _Watchers:
    """The watches of all threads, in the order in which they began: a simulation can be repeated."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._watchers: dict[_Watcher, None] = {}

    def add(self, watcher: _Watcher) -> None:
        with self._mutex:
            self._watchers[watcher] = None

    def discard(self, watcher: _Watcher) -> None:
        with self._mutex:
            self._watchers.pop(watcher, None)

    def wake(self) -> None:
        with self._mutex:
            for watcher in self._watchers:
                watcher.wake()


class _Store:
    """One object with its history: what the API server is to the other locks. Any thread may call it."""

    def __init__(self, description: str) -> None:
        self.watchers = _Watchers()
        self._description = description
        self._mutex = threading.Lock()
        self._version = 0
        self._state = Versioned(record=None, version=0)
        self._history: deque[Versioned] = deque(maxlen=_HISTORY)

    def read(self) -> Versioned:
        with self._mutex:
            return self._state

    def create(self, record: Record) -> Versioned:
        with self._mutex:
            if self._state.record is not None:
                raise ConflictError(f"{self._description} exists already, at version {self._state.version}")
            return self._put(record)

    def replace(self, base: Versioned, record: Record) -> Versioned:
        with self._mutex:
            state = self._state
            if state.record is None or (base.uid, base.version) != (state.uid, state.version):
                raise ConflictError(f"{self._description} is not at version {base.version} any more")
            # As in the real store, an identical write is accepted and changes nothing: no version, no event.
            return state if record == state.record else self._put(record)

    def put(self, record: Record | UnreadableRecord) -> Versioned:
        with self._mutex:
            return self._put(record)

    def delete(self) -> None:
        with self._mutex:
            if self._state.record is not None:
                self._version += 1
                self._publish(Versioned(record=None, version=self._version, uid=self._state.uid))
                self._state = Versioned(record=None, version=0)

    def changes_after(self, version: int) -> list[Versioned] | None:
        """Return the changes after a version, oldest first; None if they are no longer known.

        After version 0, that of an absence, whatever came and went is of no interest: only what is there.
        """
        with self._mutex:
            if version == 0:
                return [] if self._state.record is None else [self._state]
            if self._version - version > len(self._history):
                return None
            return [change for change in self._history if change.version > version]

    def _put(self, record: Record | UnreadableRecord) -> Versioned:
        self._version += 1
        self._state = Versioned(record, self._version, self._state.uid or str(uuid4()))
        self._publish(self._state)
        return self._state

    def _publish(self, change: Versioned) -> None:
        self._history.append(change)
        self.watchers.wake()
