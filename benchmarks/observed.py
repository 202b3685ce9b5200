"""ObservedLock: tells what passes between a candidate and its lock, and when."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from tenure.lock import Lock, LockSession
from tenure.record import Record, Versioned

__all__ = ["ObservedLock", "Report"]

Report = Callable[..., Any]
"""``report(event, **details)``: takes note of an event now."""


class ObservedLock:
    """A lock that reports what happens, before it does.

    ``request`` stands for each request but the one that frees the record, which is ``releasing``;
    ``observed`` for each observation.

    Args:
        lock: the real one.
        report: takes note.
    """

    def __init__(self, lock: Lock, report: Report) -> None:
        self._lock = lock
        self._report = report

    def describe(self) -> str:
        """Return what the real one says."""
        return self._lock.describe()

    @property
    def election(self) -> str:
        """That of the real one."""
        return self._lock.election

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        """Connect."""
        async with self._lock.open() as session:
            yield _ObservedSession(session, self._report)


class _ObservedSession:
    def __init__(self, session: LockSession, report: Report) -> None:
        self._session = session
        self._report = report

    async def read(self, *, timeout: float) -> Versioned:
        self._report("request", kind="read")
        return self._saw(await self._session.read(timeout=timeout))

    async def create(self, record: Record, *, timeout: float) -> Versioned:
        self._report("request", kind="create")
        return await self._session.create(record, timeout=timeout)

    async def replace(self, base: Versioned, record: Record, *, timeout: float) -> Versioned:
        self._report("request" if record.holder else "releasing", kind="replace")
        return await self._session.replace(base, record, timeout=timeout)

    async def watch(self, since: Versioned) -> AsyncGenerator[Versioned, None]:
        async with aclosing(self._session.watch(since)) as changes:  # type: ignore[type-var]
            async for seen in changes:
                yield self._saw(seen)

    def _saw(self, seen: Versioned) -> Versioned:
        holder = seen.record.holder if isinstance(seen.record, Record) else None
        self._report("observed", version=seen.version, holder=holder)
        return seen
