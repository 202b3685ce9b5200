"""LockDriver: drives a pure core over a lock, in asyncio.

The core decides; the driver owns the clock, the tasks and the connections. All inputs of the core arrive in
the event loop's thread, each followed by `_pump`, which sends and publishes what the core has to say.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from tenure.clock import BootTimer, boot_time
from tenure.errors import ConfigurationError, ConflictError, LockUnavailableError, PermissionDeniedError
from tenure.events import Available, Event, Unavailable
from tenure.fork import fork_generation
from tenure.lock import LockSession
from tenure.outlast import outlast
from tenure.patience import Patience
from tenure.record import UnreadableRecord, Versioned
from tenure.requests import NoteRequest, ReadRequest, Request, WriteRequest
from tenure.timing import Timing

__all__ = ["Core", "LockDriver", "call"]

_log = logging.getLogger("tenure")
# A watch that has not delivered within this time what a read has shown is half open.
_WATCH_GRACE_S = 1.0
# A watch that ends sooner than this is not tried again at once.
_SHORT_WATCH_S = 1.0
# While the core waits for nothing but news (the record is free, or cannot be read), only a read can tell that
# the watch has fallen silent behind a proxy that keeps its connection alive.
_LONGEST_SILENCE_S = 60.0
# Where watching is not allowed, reads take its place; whether it is allowed by now is seen this often.
_PERMISSION_CHECK_S = 60.0


class Core(Protocol):
    """What the driver needs of a pure core: `Election`, or the observer's `Sighting`."""

    @property
    def newest(self) -> Versioned | None: ...
    def receive_record(self, seen: Versioned, now: float) -> None: ...
    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None: ...
    def receive_conflict(self, request: WriteRequest | NoteRequest, now: float) -> None: ...
    def receive_failure(
        self, request: Request, now: float, *, retry_after_s: float = 0.0, refused: bool = False
    ) -> None: ...
    def refresh(self, now: float) -> None: ...
    def fail(self, now: float) -> None: ...
    def requests_to_send(self, now: float) -> list[Request]: ...
    def get_timer(self) -> float | None: ...
    def next_event(self) -> Event | None: ...


CoreT = TypeVar("CoreT", bound=Core)


class LockDriver(Generic[CoreT]):
    """One core over one open lock.

    Args:
        core: decides what is sent and what it means.
        session: the lock, open in the running event loop.
        timing: the durations.
        publish: is given every event, in the event loop's thread; must not block.

    Attributes:
        core: as given.
        failed: carries the error that ends everything, if there is one: what is wrong before the first
            successful read, and a fault of tenure itself.
        contact: set when the store has answered, or failed to, for the first time.
    """

    def __init__(
        self, core: CoreT, session: LockSession, timing: Timing, publish: Callable[[Event], None]
    ) -> None:
        self.core = core
        self._session = session
        self._timing = timing
        self._publish = publish
        self._patience = Patience(timing.renew_deadline)
        self._timer = BootTimer(self._wake, check_period=timing.lease_duration / 20)
        self._tasks: dict[asyncio.Task[None], None] = {}  # in order: a simulation can be repeated
        self._watch: asyncio.Task[None] | None = None
        self._watch_suspect: asyncio.TimerHandle | None = None
        self._following: object = None  # the watch that is under way
        self._delivered = -1  # the newest version that it has told
        self._confirmed = asyncio.Event()  # a request has been answered since the last watch ended
        self._idle = asyncio.Event()
        self._trouble: object = None  # what is wrong with the store, as people are told
        self._polling = False
        self._has_read = False
        self._closed = False
        self._generation = fork_generation()
        self.contact = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Begin to watch, and to send what the core wants."""
        self._watch = self._spawn(self._keep_watching(), "tenure watch")
        self._pump()

    def perform(self, action: Callable[[float], None]) -> None:
        """Tell the core something, such as ``core.campaign``."""
        self._tell(action)

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
        if self._watch_suspect:
            self._watch_suspect.cancel()
        for task in self._tasks:
            task.cancel()
        cancelled = await outlast(asyncio.gather(*self._tasks, return_exceptions=True))
        if self.failed.done():
            self.failed.exception()  # whoever wanted it has it
        else:
            self.failed.cancel()
        if cancelled:
            raise asyncio.CancelledError

    # ---- the core's wishes

    def _is_idle(self) -> bool:
        return True

    def _begin_polling(self) -> None:
        pass

    def _is_inert(self) -> bool:
        """Closed, or a copy in a forked child: what it sent would be done in its parent's name (rule 5)."""
        return self._closed or self._generation != fork_generation()

    def _pump(self) -> None:
        if self._is_inert():
            return
        try:
            now = boot_time()
            requests = self.core.requests_to_send(now)
            if not self.failed.done():
                for request in requests:
                    self._spawn(self._send(request, now), "tenure request")
            self._drain_events()
            timer = self.core.get_timer()
            self._timer.set(now + _LONGEST_SILENCE_S if timer is None else timer)
            if self._is_idle():
                self._idle.set()
            else:
                self._idle.clear()
        except Exception as error:
            self._fail(error)

    def _wake(self) -> None:
        if self.core.get_timer() is None:
            self._tell(self.core.refresh)
        else:
            self._pump()

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

    # ---- requests

    async def _send(self, request: Request, wanted_at: float) -> None:
        if self._is_inert():
            return
        started = boot_time()
        timeout = min(request.timeout - (started - wanted_at), self._patience.timeout)
        if timeout <= 0:
            # Paused in between, past the end of its term: nothing may be sent for that any more.
            self._tell(lambda now: self.core.receive_failure(request, now, refused=True))
            return
        try:
            seen = await call(self._session, request, timeout)
        except ConflictError:
            self._patience.answered(boot_time() - started)
            self._report_available()
            self._tell(lambda now: self.core.receive_conflict(_write(request), now))
        except LockUnavailableError as error:
            if boot_time() - started >= timeout:
                self._patience.ran_out()
            self._unanswered(request, error)
        except (PermissionDeniedError, ConfigurationError) as error:
            self._refused(request, error)
        except Exception as error:
            self._fail(error)
        else:
            self._patience.answered(boot_time() - started)
            self._report_available()
            self._answered(request, seen)
        self.contact.set()

    def _answered(self, request: Request, seen: Versioned) -> None:
        if not self._has_read and isinstance(seen.record, UnreadableRecord) and seen.record.refused:
            self._fail(ConfigurationError(seen.record.reason))
            return
        self._has_read = True
        self._confirmed.set()
        self._tell(lambda now: self.core.receive_answer(request, seen, now))
        if isinstance(request, ReadRequest) and self._following and seen.version > self._delivered:
            self._suspect_watch(seen.version)

    def _unanswered(self, request: Request, error: LockUnavailableError) -> None:
        self._report_unavailable(error, unauthorized=error.unauthorized)
        wait_s, refused = error.retry_after_s or 0.0, error.refused
        self._tell(lambda now: self.core.receive_failure(request, now, retry_after_s=wait_s, refused=refused))

    def _refused(self, request: Request, error: PermissionDeniedError | ConfigurationError) -> None:
        """At the start a refusal is final, so that a wrong Role is found at once; later it is an outage."""
        if not self._has_read:
            self._fail(error)
            return
        self._report_unavailable(error)
        wait_s = self._timing.retry_period
        self._tell(lambda now: self.core.receive_failure(request, now, retry_after_s=wait_s, refused=True))

    def _tell(self, action: Callable[[float], None]) -> None:
        if self._is_inert():
            return
        try:
            action(boot_time())
        except Exception as error:
            self._fail(error)
        else:
            self._pump()

    # ---- the watch

    async def _keep_watching(self) -> None:
        while True:
            await self._confirmed.wait()
            self._confirmed.clear()
            newest = self.core.newest
            if newest is None:
                continue
            began = boot_time()
            try:
                await self._follow(newest)
            except LockUnavailableError as error:
                _log.debug("the watch broke: %s", error)
            except PermissionDeniedError as error:
                self._report_unpermitted_watch(error)
                await self._poll()
            except Exception as error:
                self._fail(error)
                return
            if boot_time() - began < _SHORT_WATCH_S:
                await asyncio.sleep(self._timing.retry_period)
            self._confirmed.clear()
            self._tell(self.core.refresh)

    async def _follow(self, newest: Versioned) -> None:
        following = self._following = object()
        self._delivered = newest.version
        try:
            async for seen in self._session.watch(newest):
                self._delivered = max(self._delivered, seen.version)
                self._tell(lambda now, seen=seen: self.core.receive_record(seen, now))  # type: ignore[misc]
        finally:
            if self._following is following:  # a half-open one may take its time to close
                self._following = None

    async def _poll(self) -> None:
        until = boot_time() + _PERMISSION_CHECK_S
        while boot_time() < until:
            await asyncio.sleep(self._timing.retry_period)
            self._tell(self.core.refresh)

    def _suspect_watch(self, version: int) -> None:
        """A read has shown what the watch has not: unless it comes soon, the watch is half open."""
        if self._watch_suspect:
            self._watch_suspect.cancel()
        loop = asyncio.get_running_loop()
        self._watch_suspect = loop.call_later(_WATCH_GRACE_S, self._check_watch, version)

    def _check_watch(self, version: int) -> None:
        if self._following and self._delivered < version and self._watch:
            self._watch.cancel()
            self._watch = self._spawn(self._keep_watching(), "tenure watch")
            self._confirmed.set()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    # ---- what people are told, once per change of state

    def _report_unavailable(self, error: Exception, *, unauthorized: bool = False) -> None:
        # Told apart by kind: the wording changes from attempt to attempt.
        trouble = (type(error), unauthorized)
        if trouble != self._trouble:
            self._publish(Unavailable(message=str(error)))
        self._trouble = trouble

    def _report_available(self) -> None:
        if self._trouble:
            self._publish(Available())
        self._trouble = None

    def _report_unpermitted_watch(self, error: PermissionDeniedError) -> None:
        if not self._polling:
            _log.warning("%s; reading every %g s instead", error, self._timing.retry_period)
            self._begin_polling()
        self._polling = True


async def call(session: LockSession, request: Request, timeout: float) -> Versioned:
    """Make the call that a core asks for; `timeout` in seconds.

    Raises:
        ConflictError, LockUnavailableError, PermissionDeniedError: as of `LockSession`.
    """
    if isinstance(request, ReadRequest):
        return await session.read(timeout=timeout)
    if request.base is None:
        return await session.create(request.record, timeout=timeout)
    return await session.replace(request.base, request.record, timeout=timeout)


def _write(request: Request) -> WriteRequest | NoteRequest:
    if isinstance(request, ReadRequest):
        raise TypeError("a read cannot conflict")
    return request
