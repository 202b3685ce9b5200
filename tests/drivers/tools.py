"""What the tests of the drivers share: waiting without timing, a lock that misbehaves, what is open."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from tenure import LeaderElector, LockUnavailableError, MemoryLock, Term, Timing
from tenure.events import Event
from tenure.lock import Lock, LockSession
from tenure.record import Record, Versioned

__all__ = [
    "PATIENCE_S",
    "QUICK",
    "ROOMY",
    "FaultyLock",
    "Recorder",
    "forever",
    "holder_of",
    "make",
    "open_files",
    "play",
    "record_of",
    "until",
    "wait_until",
]

PATIENCE_S = 30.0  # a hang guard, nothing that a test measures
QUICK = Timing(lease_duration=0.6)
ROOMY = Timing(lease_duration=6)  # for terms that must not be lost on a busy machine

ResultT = TypeVar("ResultT")


def play(scene: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a scene, which must leave no task and no file descriptor behind."""

    async def guarded() -> ResultT:
        before, files = asyncio.all_tasks(), open_files()
        async with asyncio.timeout(PATIENCE_S):
            result = await scene
        for _ in range(5):  # what was just cancelled ends in the next turns of the loop
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        await until(lambda: open_files() <= files)
        return result

    return asyncio.run(guarded())


def open_files() -> int:
    """Return how many file descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


async def until(is_true: Callable[[], object]) -> None:
    """Wait, in a coroutine, until a condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_true():  # noqa: ASYNC110  (what is waited for has no event)
            await asyncio.sleep(0.005)


def wait_until(is_true: Callable[[], object]) -> None:
    """Wait, in a thread, until a condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.005)


def record_of(lock: MemoryLock) -> Record | None:
    """Return what is stored in a `MemoryLock`."""
    record = lock._store.read().record
    assert record is None or isinstance(record, Record)
    return record


def holder_of(lock: MemoryLock) -> str:
    """Return who holds a `MemoryLock`; empty: nobody."""
    record = record_of(lock)
    return record.holder if record else ""


class Recorder:
    """A subscriber that keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def seen(self, kind: type[Event]) -> int:
        """Return how many events of a kind there were."""
        return sum(isinstance(event, kind) for event in self.events)


async def _nothing(operation: str) -> None:
    pass


class FaultyLock:
    """Puts hooks around every call of another lock.

    Attributes:
        before: awaited before each call with its name (read, create, replace, watch); may raise or take its
            time.
        after: awaited after it: an error here is a lost answer.
        down: while it is set, the store refuses everything, watches included.
        calls: the names of all calls, in order.
        sessions: how many sessions are open.
    """

    def __init__(self, lock: Lock) -> None:
        self.lock = lock
        self.before: Callable[[str], Awaitable[None]] = _nothing
        self.after: Callable[[str], Awaitable[None]] = _nothing
        self.down = threading.Event()
        self.calls: list[str] = []
        self.sessions = 0

    def describe(self) -> str:
        return self.lock.describe()

    @property
    def election(self) -> str:
        return self.lock.election

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        self.sessions += 1
        try:
            async with self.lock.open() as session:
                yield _FaultySession(self, session)
        finally:
            self.sessions -= 1

    async def through(self, operation: str, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Do what the test wants before and after a call."""
        self.calls.append(operation)
        if self.down.is_set():
            raise LockUnavailableError("the store is down", refused=True)
        await self.before(operation)
        result = await call()
        await self.after(operation)
        return result


class _FaultySession:
    def __init__(self, lock: FaultyLock, session: LockSession) -> None:
        self._lock = lock
        self._session = session

    async def read(self, *, timeout: float) -> Versioned:
        return await self._lock.through("read", lambda: self._session.read(timeout=timeout))

    async def create(self, record: Record, *, timeout: float) -> Versioned:
        return await self._lock.through("create", lambda: self._session.create(record, timeout=timeout))

    async def replace(self, base: Versioned, record: Record, *, timeout: float) -> Versioned:
        call = lambda: self._session.replace(base, record, timeout=timeout)  # noqa: E731
        return await self._lock.through("replace", call)

    async def watch(self, since: Versioned) -> AsyncGenerator[Versioned, None]:
        await self._lock.through("watch", _watched)
        async with aclosing(self._session.watch(since)) as changes:  # type: ignore[type-var]
            coming = asyncio.ensure_future(anext(changes))
            try:
                while True:
                    await asyncio.wait({coming}, timeout=0.02)
                    if self._lock.down.is_set():
                        raise LockUnavailableError("the watch broke: the store is down")
                    if coming.done():
                        yield coming.result()
                        coming = asyncio.ensure_future(anext(changes))
            finally:
                coming.cancel()
                await asyncio.wait({coming})


async def _watched() -> None:
    pass


def make(lock: object = None, **options: object) -> tuple[LeaderElector, MemoryLock, Recorder]:
    """Return an elector, the `MemoryLock` that it was given or got, and what it says."""
    memory = lock if isinstance(lock, MemoryLock) else MemoryLock()
    where = memory if lock is None else lock
    elector = LeaderElector(where, **{"identity": "a", "timing": ROOMY, **options})  # type: ignore[arg-type]
    recorder = Recorder()
    elector.subscribe(recorder)
    return elector, memory, recorder


async def forever(term: Term) -> None:
    """Work until cancelled."""
    await asyncio.Event().wait()
