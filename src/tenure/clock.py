"""Boot time: the one local clock of tenure. It runs on through suspend, and no wall-clock step moves it.

Timers fire by it too: an event loop's own timers sleep through a suspend, and would find a term valid that
ended hours ago.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol

from tenure.fork import fork_generation
from tenure.timerfd import CLOCK, open_timerfd, set_timerfd

__all__ = ["BootAlarm", "BootClock", "BootTimer", "boot_time", "simulated_clock"]

_log = logging.getLogger("tenure")
_CHECK_PERIOD_S = 1.0

if CLOCK is None:  # pragma: no cover - no such platform in the tests
    _log.warning("no CLOCK_BOOTTIME on this platform: a suspend of the machine may go unnoticed")


class BootAlarm(Protocol):
    """Calls back once at a boot time."""

    def set(self, when: float | None) -> None:
        """Call back at `when` (boot time, seconds; a past one: as soon as possible), or not at all."""
        ...

    def close(self) -> None:
        """Never call back again, and free what it holds."""
        ...


class BootClock(Protocol):
    """A clock that stands in for the machine's own."""

    def time(self) -> float:
        """Return its boot time in seconds."""
        ...

    def open_alarm(self, fire: Callable[[], None]) -> BootAlarm:
        """Return an alarm that goes by it and calls `fire` in the running event loop."""
        ...


# A context variable, so that each simulated machine has a clock of its own, which its tasks inherit, and so
# that no other thread notices (`tenure.testing.virtual_time`).
simulated_clock: ContextVar[BootClock | None] = ContextVar("tenure_simulated_clock", default=None)


def boot_time() -> float:
    """Return seconds since boot, suspend included; where there is no such clock, the monotonic one."""
    clock = simulated_clock.get()
    if clock is not None:
        return clock.time()
    return time.monotonic() if CLOCK is None else time.clock_gettime(CLOCK)


class BootTimer:
    """Calls back once at a boot time; setting it again replaces what was set.

    Args:
        callback: called in the running event loop.
        check_period: where the platform has no timer on this clock, seconds between looks at it.
    """

    def __init__(self, callback: Callable[[], None], *, check_period: float = _CHECK_PERIOD_S) -> None:
        self._loop = asyncio.get_running_loop()
        self._callback = callback
        self._alarm = _open_alarm(self._loop, self._fire, min(check_period, _CHECK_PERIOD_S))
        self.when: float | None = None

    def set(self, when: float | None) -> None:
        """Call back at `when` (boot time, seconds; a past one: as soon as possible), or not at all."""
        if when != self.when:
            self.when = when
            self._alarm.set(when)

    def close(self) -> None:
        """Never call back again, and free what the timer holds."""
        self.when = None
        self._alarm.close()

    def _fire(self) -> None:
        self.when = None
        self._callback()


class _TimerFd:
    """A timerfd on the boot-time clock: the kernel wakes the event loop, also right after a suspend."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fire: Callable[[], None]) -> None:
        self._loop = loop
        self._fire = fire
        self._generation = fork_generation()
        self._fd = open_timerfd()
        loop.add_reader(self._fd, self._ready)

    def set(self, when: float | None) -> None:
        set_timerfd(self._fd, when)

    def close(self) -> None:
        if self._fd >= 0:
            # A forked child shares the parent's epoll: what it removed there, its parent would miss.
            if self._generation == fork_generation():
                self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _ready(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return  # it was set anew between its expiry and this call
        self._fire()


class _Checks:
    """Looks at the clock from time to time, where the event loop cannot wait for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fire: Callable[[], None], period: float) -> None:
        self._loop = loop
        self._fire = fire
        self._period = period
        self._when = math.inf
        self._handle: asyncio.TimerHandle | None = None

    def set(self, when: float | None) -> None:
        self.close()
        if when is not None:
            self._when = when
            self._look()

    def close(self) -> None:
        if self._handle:
            self._handle.cancel()
            self._handle = None

    def _look(self) -> None:
        left = self._when - boot_time()
        if left <= 0:
            self._handle = self._loop.call_soon(self._fire)  # type: ignore[assignment]
        else:
            self._handle = self._loop.call_later(min(left, self._period), self._look)


def _open_alarm(loop: asyncio.AbstractEventLoop, fire: Callable[[], None], period: float) -> BootAlarm:
    clock = simulated_clock.get()
    if clock is not None:
        return clock.open_alarm(fire)
    try:
        return _TimerFd(loop, fire)
    except (OSError, AttributeError, NotImplementedError):
        return _Checks(loop, fire, period)
