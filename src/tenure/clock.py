"""Boot time: the one local clock of tenure. It runs on through suspend, and no wall-clock step moves it.

Timers fire by it too: an event loop's own timers sleep through a suspend, and would find a term valid that
ended hours ago.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import math
import os
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol

from tenure.fork import fork_generation

__all__ = ["BootAlarm", "BootClock", "BootTimer", "boot_time", "simulated_clock"]

_log = logging.getLogger("tenure")
_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)
_CHECK_PERIOD_S = 1.0

if _CLOCK is None:  # pragma: no cover - no such platform in the tests
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
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


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
        self._fd = _timerfd_create()
        loop.add_reader(self._fd, self._ready)

    def set(self, when: float | None) -> None:
        # 0 would disarm it, so a time long past becomes a nanosecond after boot.
        _timerfd_settime(self._fd, 0.0 if when is None else max(when, 1e-9))

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


if sys.version_info >= (3, 13):

    def _timerfd_create() -> int:
        if _CLOCK is None:
            raise OSError("no boot-time clock")
        return os.timerfd_create(_CLOCK, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)

    def _timerfd_settime(fd: int, when: float) -> None:
        os.timerfd_settime(fd, flags=os.TFD_TIMER_ABSTIME, initial=when)

else:

    class _TimeSpec(ctypes.Structure):
        _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]

    class _ITimerSpec(ctypes.Structure):
        _fields_ = [("it_interval", _TimeSpec), ("it_value", _TimeSpec)]

    _libc = ctypes.CDLL(None, use_errno=True)
    _TFD_TIMER_ABSTIME = 1

    def _timerfd_create() -> int:
        if _CLOCK is None:
            raise OSError("no boot-time clock")
        return _checked(_libc.timerfd_create(_CLOCK, os.O_NONBLOCK | os.O_CLOEXEC))

    def _timerfd_settime(fd: int, when: float) -> None:
        seconds = int(when)
        value = _ITimerSpec(_TimeSpec(0, 0), _TimeSpec(seconds, int((when - seconds) * 1e9)))
        _checked(_libc.timerfd_settime(fd, _TFD_TIMER_ABSTIME, ctypes.byref(value), None))

    def _checked(result: int) -> int:
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
        return result
