"""Roster: who could lead an election, beside its record, so that a person can see them all.

It has no say in who leads: the record alone has that.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from tenure.errors import ConfigurationError
from tenure.lock import Lock

__all__ = ["Entry", "Roster", "RosterLock", "candidates_of", "open_roster"]

_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One candidate, as it wrote itself down.

    Attributes:
        identity: its name; processes of one identity share an entry, and the last to write it counts.
        priority: from 0 to 1000.
        preempt: it asks a leader of lower priority to hand over.
        lapse: seconds without any change after which it is taken for dead.
        since: from when on it has been a candidate, by its own wall clock; None: not known.
        renewed: when it last wrote this, by its own wall clock. Its age says little: clocks differ.
        version: of the entry, set by the store and different after every write; empty: not known.
    """

    identity: str
    priority: int = 0
    preempt: bool = False
    lapse: float
    since: datetime | None = None
    renewed: datetime | None = None
    version: str = ""


class Roster(Protocol):
    """The roster of one election, in use by one event loop.

    `timeout` is in seconds and for each request. All methods raise `LockUnavailableError` and
    `PermissionDeniedError` as a lock does.
    """

    async def list(self, *, timeout: float) -> list[Entry]:
        """Return all entries, by identity; what is none is left out."""
        ...

    async def write(self, entry: Entry, *, timeout: float) -> Entry:
        """Store an entry in place of the one of its identity, if there is one; return it with its version."""
        ...

    async def remove(self, entry: Entry, *, timeout: float) -> None:
        """Remove an entry, unless it has another version by now; whichever it has, where none is known."""
        ...


@runtime_checkable
class RosterLock(Protocol):
    """A lock beside which there is room for a roster."""

    def open_roster(self) -> AbstractAsyncContextManager[Roster]:
        """Connect within the running event loop.

        Raises:
            ConfigurationError: there is no way to the store, or no room for a roster in it.
        """
        ...


def open_roster(lock: Lock) -> AbstractAsyncContextManager[Roster]:
    """Open the roster of an election.

    Raises:
        ConfigurationError: this kind of lock has none.
    """
    if isinstance(lock, RosterLock):
        return lock.open_roster()
    raise ConfigurationError(
        f"{lock.describe()} has no roster of candidates: leave candidates=True out, or use a lock in the "
        "Kubernetes API, such as LeaseLock"
    )


async def candidates_of(lock: Lock, *, timeout: float = _TIMEOUT_S) -> list[Entry]:
    """Return who has written itself down as a candidate of an election (``candidates=True``), by identity.

    The dead stay until a leader has seen no change of theirs for `lapse` seconds.

    Args:
        lock: of the election.
        timeout: seconds for the answer.

    Raises:
        ConfigurationError: this kind of lock has no roster, or there is no way to it.
        LockUnavailableError: no usable answer.
        PermissionDeniedError: the message holds the RBAC rule that is missing.
    """
    async with open_roster(lock) as roster:
        return await roster.list(timeout=timeout)
