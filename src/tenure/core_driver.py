"""CoreDriver: what drives a pure core in asyncio, whatever it talks to.

The core decides; the driver owns the clock, the tasks and the connections. All inputs of the core arrive in
the event loop's thread, each followed by `_pump`, which sends and publishes what the core has to say.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from tenure.clock import BootTimer, boot_time
from tenure.errors import ConfigurationError, PermissionDeniedError
from tenure.events import Event
from tenure.fork import fork_generation
from tenure.outlast import outlast
from tenure.timing import Timing

__all__ = ["CoreDriver", "DrivenCore"]

_log = logging.getLogger("tenure")


class DrivenCore(Protocol):
    """What every driver needs of a pure core."""

    def fail(self, now: float) -> None: ...
    def get_timer(self) -> float | None: ...
    def next_event(self) -> Event | None: ...


CoreT = TypeVar("CoreT", bound=DrivenCore)


class CoreDriver(ABC, Generic[CoreT]):
    """One core, its timer and its tasks.

    Args:
        core: decides what is sent and what it means.
        timing: the durations.
        publish: is given every event, in the event loop's thread; must not block.

    Attributes:
        core: as given.
        failed: carries the error that ends everything, if there is one.
        contact: set when whatever the core talks to has answered, or failed to, for the first time.
    """

    def __init__(self, core: CoreT, timing: Timing, publish: Callable[[Event], None]) -> None:
        self.core = core
        self._publish = publish
        self._timer = BootTimer(self._wake, check_period=timing.lease_duration / 20)
        self._tasks: dict[asyncio.Task[None], None] = {}  # in order: a simulation can be repeated
        self._idle = asyncio.Event()
        self._closed = False
        self._generation = fork_generation()
        self.contact = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait_idle(self) -> None:
        """Wait until the core has nothing left to do, or everything has failed."""
        if self._is_inert():
            return
        idle = asyncio.create_task(self._idle.wait())
        either: set[asyncio.Future[Any]] = {idle, self.failed}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            idle.cancel()

    async def aclose(self) -> None:
        """Stop at once; leaks no task."""
        self._closed = True
        self._timer.close()
        for task in self._tasks:
            task.cancel()
        cancelled = await outlast(asyncio.gather(*self._tasks, return_exceptions=True))
        if self.failed.done():
            self.failed.exception()  # whoever wanted it has it
        else:
            self.failed.cancel()
        if cancelled:
            raise asyncio.CancelledError

    # ---- what differs from driver to driver

    @abstractmethod
    def _send_all(self, now: float) -> None:
        """Send what the core wants to be sent; after a failure nothing more."""

    @abstractmethod
    def _is_idle(self) -> bool:
        """Return whether the core has nothing left to do."""

    def _wake(self) -> None:
        """The timer has fired."""
        self._pump()

    def _wakes_at(self, now: float) -> float | None:
        """Return when the timer is to fire; boot time, seconds."""
        return self.core.get_timer()

    # ---- the core's wishes

    def _is_inert(self) -> bool:
        """Closed, or a copy in a forked child: what it sent would be done in its parent's name (rule 5)."""
        return self._closed or self._generation != fork_generation()

    def _tell(self, action: Callable[[float], None]) -> None:
        """Tell the core something, such as ``core.campaign``."""
        if self._is_inert():
            return
        try:
            action(boot_time())
        except Exception as error:
            self._fail(error)
        else:
            self._pump()

    def _pump(self) -> None:
        if self._is_inert():
            return
        try:
            now = boot_time()
            self._send_all(now)
            self._drain_events()
            self._timer.set(self._wakes_at(now))
            if self._is_idle():
                self._idle.set()
            else:
                self._idle.clear()
        except Exception as error:
            self._fail(error)

    def _drain_events(self) -> None:
        while (event := self.core.next_event()) is not None:
            self._publish(event)

    def _fail(self, error: Exception) -> None:
        """Give up for good; a term is over (rule 1: an error inside the core counts as a loss)."""
        if self._is_inert() or self.failed.done():
            return
        if not isinstance(error, PermissionDeniedError | ConfigurationError):
            _log.error("tenure itself failed, which ends its term", exc_info=error)
        self.failed.set_exception(error)
        self.contact.set()
        self.core.fail(boot_time())
        self._drain_events()
        # A body that runs on still meets its hard limit.
        self._timer.set(self.core.get_timer())

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task
