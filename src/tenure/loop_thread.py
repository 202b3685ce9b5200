"""LoopThread: an event loop in a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from tenure.errors import LeadershipLostError
from tenure.fork import fork_generation

__all__ = ["Job", "LoopThread", "entered"]

ResultT = TypeVar("ResultT")


class Job(Generic[ResultT]):
    """A coroutine that runs in a `LoopThread`.

    Attributes:
        ended: done when the coroutine has ended, however it did.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, ResultT]) -> None:
        self._loop = loop
        self._work = work
        self._task: asyncio.Task[ResultT] | None = None
        self._generation = fork_generation()
        self.ended: Future[None] = Future()
        loop.call_soon_threadsafe(self._start)

    def is_inherited(self) -> bool:
        """Tell whether this is a copy in a forked process, where the thread that ran it does not exist."""
        return self._generation != fork_generation()

    def cancel(self) -> None:
        """Cancel it; it may take its time to end."""
        if not self.is_inherited():
            self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())

    def wait(self) -> None:
        """Wait until it has really ended; unlike that of a `concurrent.futures.Future`, also if cancelled.

        Raises:
            LeadershipLostError: this is a copy in a forked process, where it never ends.
        """
        if self.is_inherited():
            raise LeadershipLostError("the elector belongs to the process that this one was forked from")
        self.ended.result()

    def result(self) -> ResultT:
        """Wait until it has ended, and return or raise its outcome."""
        self.wait()
        if self._task is None:
            raise RuntimeError("the job was never started")
        return self._task.result()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(lambda _: self.ended.set_result(None))


class LoopThread:
    """Runs an event loop in a daemon thread while the ``with`` block lasts."""

    def __enter__(self) -> Self:
        self._generation = fork_generation()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tenure", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_inherited():
            return  # the loop is the parent's: even closing it here would make that one deaf
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._wind_up())
        self._loop.close()

    def is_inherited(self) -> bool:
        """Tell whether this is a copy in a forked process, where there is no such thread."""
        return self._generation != fork_generation()

    def begin(self, work: Coroutine[Any, Any, ResultT]) -> Job[ResultT]:
        """Start a coroutine there."""
        return Job(self._loop, work)

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a coroutine there to its end; an interrupt from the keyboard cancels it, and waits for it."""
        job = self.begin(work)
        try:
            job.wait()
        except BaseException:
            job.cancel()
            job.wait()
            raise
        return job.result()

    async def _wind_up(self) -> None:
        """End what an interrupt has left behind."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()


@contextmanager
def entered(manager: AbstractAsyncContextManager[ResultT]) -> Iterator[ResultT]:
    """Hold an asynchronous context manager open, in a thread of its own."""
    with LoopThread() as thread:
        value = thread.run(_enter(manager))
        try:
            yield value
        except BaseException as error:
            if thread.is_inherited() or not thread.run(_leave(manager, error)):
                raise
        else:
            if not thread.is_inherited():
                thread.run(_leave(manager, None))


async def _enter(manager: AbstractAsyncContextManager[ResultT]) -> ResultT:
    return await manager.__aenter__()


async def _leave(manager: AbstractAsyncContextManager[Any], error: BaseException | None) -> bool | None:
    return await manager.__aexit__(
        type(error) if error else None, error, error.__traceback__ if error else None
    )
