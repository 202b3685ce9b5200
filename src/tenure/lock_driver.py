"""LockDriver: drives a pure core over a lock, in asyncio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

from tenure.clock import boot_time
from tenure.core_driver import CoreDriver, DrivenCore
from tenure.errors import ConfigurationError, ConflictError, LockUnavailableError, PermissionDeniedError
from tenure.events import Available, Event, Unavailable
from tenure.lock import LockSession
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


class Core(DrivenCore, Protocol):
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
    def requests_to_send(self, now: float) -> list[Request]: ...


CoreT = TypeVar("CoreT", bound=Core)


class LockDriver(CoreDriver[CoreT]):
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
        super().__init__(core, timing, publish)
        self._session = session
        self._timing = timing
        self._patience = Patience(timing.renew_deadline)
        self._watch: asyncio.Task[None] | None = None
        self._watch_suspect: asyncio.TimerHandle | None = None
        self._following: object = None  # the watch that is under way
        self._delivered = -1  # the newest version that it has told
        self._confirmed = asyncio.Event()  # a request has been answered since the last watch ended
        self._trouble: object = None  # what is wrong with the store, as people are told
        self._polling = False
        self._has_read = False

    def start(self) -> None:
        """Begin to watch, and to send what the core wants."""
        self._watch = self._spawn(self._keep_watching(), "tenure watch")
        self._pump()

    async def aclose(self) -> None:
        """Stop at once; leaks no task."""
        if self._watch_suspect:
            self._watch_suspect.cancel()
        await super().aclose()

    # ---- the core's wishes

    def _is_idle(self) -> bool:
        return True

    def _begin_polling(self) -> None:
        pass

    def _send_all(self, now: float) -> None:
        requests = self.core.requests_to_send(now)
        if not self.failed.done():
            for request in requests:
                self._spawn(self._send(request, now), "tenure request")

    def _wake(self) -> None:
        if self.core.get_timer() is None:
            self._tell(self.core.refresh)
        else:
            self._pump()

    def _wakes_at(self, now: float) -> float | None:
        timer = self.core.get_timer()
        return now + _LONGEST_SILENCE_S if timer is None else timer

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
