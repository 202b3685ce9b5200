"""Lock: where a record lives, as a small protocol that every kind of lock implements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tenure.record import Record, Versioned

__all__ = ["Lock", "LockSession"]


class LockSession(Protocol):
    """A lock in use: bound to the running event loop and to its connections.

    All timeouts are in seconds and cover the whole call. Cancelling a call leaks nothing; a write that was
    cancelled, or that raised `LockUnavailableError` without ``refused``, may still be applied later.
    """

    async def read(self, *, timeout: float) -> Versioned:
        """Read the newest state, never one from a cache (a GET without ``resourceVersion``).

        Raises:
            LockUnavailableError: no usable answer within `timeout`.
            PermissionDeniedError: the store refuses.
        """
        ...

    async def create(self, record: Record, *, timeout: float) -> Versioned:
        """Create the object with this record.

        Raises:
            ConflictError: there is one already.
            LockUnavailableError: no usable answer; the write may be applied later.
            PermissionDeniedError: the store refuses.
        """
        ...

    async def replace(self, base: Versioned, record: Record, *, timeout: float) -> Versioned:
        """Compare-and-swap: store the record if the object is still at `base`, version and uid.

        All else in the object survives: unknown fields, labels and annotations of others.

        Raises:
            ConflictError: it is not, or it is gone. Never re-creates.
            LockUnavailableError: no usable answer; the write may be applied later.
            PermissionDeniedError: the store refuses.
        """
        ...

    def watch(self, since: Versioned) -> AsyncIterator[Versioned]:
        """Yield every change after `since`, a deletion as a `Versioned` without record.

        Ends when the store ends the watch, or no longer has that history; read again, then watch again.

        Raises:
            LockUnavailableError: the watch broke.
            PermissionDeniedError: watching is not allowed; poll instead.
        """
        ...


class Lock(Protocol):
    """Names a place for a record; holds no connection, so it can be made anywhere, at import too."""

    def describe(self) -> str:
        """Return kind, namespace and name for people, such as ``lease default/reports``."""
        ...

    @property
    def election(self) -> str:
        """The election, ``NAMESPACE/NAME`` whatever kind of lock it is kept in; known once it is open."""
        ...

    def open(self) -> AbstractAsyncContextManager[LockSession]:
        """Connect within the running event loop.

        Raises:
            ConfigurationError: on entry, if there is no way to the store; the message names the remedies.
        """
        ...
