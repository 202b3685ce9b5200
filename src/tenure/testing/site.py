"""Site: the record of one election as the API servers have it, and the watches on it."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from tenure.record import Versioned
from tenure.testing.replica import Replica
from tenure.testing.schedule import Schedule
from tenure.testing.world import Change, Observer

__all__ = ["Site", "Watcher"]

_HISTORY = 500  # changes that a watch can still be told


class Watcher(Protocol):
    """Somebody who watches the record."""

    def publish(self, seen: Versioned) -> None:
        """The record has changed."""
        ...


class Site(Observer):
    """One record and who watches it; an observer of its world.

    Args:
        schedule: of the simulation.

    Attributes:
        watches: who is told of every change.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.watches: list[Watcher] = []
        self._schedule = schedule
        self._changes: deque[tuple[float, int]] = deque(maxlen=_HISTORY)

    def changed(self, change: Change) -> None:
        """Tell the watches, and forget what is old."""
        version = change.after.version
        if version < change.before.version:
            self._changes.clear()  # restored: whoever watches is cut off, and finds out by reading
            return
        self._changes.append((change.at, version))
        if version - self.world.store.compacted > 2 * _HISTORY:
            self.world.store.compact(version - _HISTORY)
        for watch in list(self.watches):
            watch.publish(change.after)

    def version_for(self, replica: Replica) -> int | None:
        """Return the version that a lagging replica still serves; None: the newest."""
        if not replica.lag_s:
            return None
        horizon = self._schedule.now - replica.lag_s
        known = max((version for at, version in self._changes if at <= horizon), default=0)
        return max(known, min(self.world.store.history))

    def changes_after(self, version: int) -> list[Versioned] | None:
        """Return what a watch that begins at a version is told; None: that history is gone (410).

        After version 0, that of an absence, only what is there.
        """
        store = self.world.store
        if version == 0:
            return [store.head] if store.head.record is not None else []
        if version < store.compacted:
            return None
        return [store.history[v] for v in range(version + 1, store.version + 1)]
