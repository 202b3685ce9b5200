"""LoopThread: an event loop in a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

__all__ = ["Job", "LoopThread", "entered"]

ResultT = TypeVar("ResultT")


class Job(Generic[ResultT]):
    """A coroutine that runs in a `LoopThread`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, ResultT]) -> None:
        self._loop = loop
        self._work = work
        self._task: asyncio.Task[ResultT] | None = None
        self.ended: Future[None] = Future()
        loop.call_soon_threadsafe(self._start)

    def cancel(self) -> None:
        """Cancel it; it may take its time to end."""
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())

    def result(self) -> ResultT:
        """Wait until it has really ended; unlike that of a `concurrent.futures.Future`, also if cancelled."""
        self.ended.result()
        if self._task is None:
            raise RuntimeError("the job was never started")
        return self._task.result()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(lambda _: self.ended.set_result(None))


class LoopThread:
    """Runs an event loop in a daemon thread while the ``with`` block lasts."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tenure", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def begin(self, work: Coroutine[Any, Any, ResultT]) -> Job[ResultT]:
        """Start a coroutine there."""
        return Job(self._loop, work)

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a coroutine there to its end; an interrupt from the keyboard cancels it, and waits for it."""
        job = self.begin(work)
        try:
            job.ended.result()
        except BaseException:
            job.cancel()
            job.ended.result()
            raise
        return job.result()


@contextmanager
def entered(manager: AbstractAsyncContextManager[ResultT]) -> Iterator[ResultT]:
    """Hold an asynchronous context manager open, in a thread of its own."""
    with LoopThread() as thread:
        value = thread.run(_enter(manager))
        try:
            yield value
        except BaseException as error:
            if not thread.run(_leave(manager, error)):
                raise
        else:
            thread.run(_leave(manager, None))


async def _enter(manager: AbstractAsyncContextManager[ResultT]) -> ResultT:
    return await manager.__aenter__()


async def _leave(manager: AbstractAsyncContextManager[Any], error: BaseException | None) -> bool | None:
    return await manager.__aexit__(
        type(error) if error else None, error, error.__traceback__ if error else None
    )
