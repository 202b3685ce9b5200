"""Timerfd: a timer of the kernel on the boot-time clock; it wakes its reader right after a suspend, too."""

from __future__ import annotations

import os
import sys
import time

__all__ = ["CLOCK", "open_timerfd", "set_timerfd"]

CLOCK = getattr(time, "CLOCK_BOOTTIME", None)
"""The number of the boot-time clock; None: the platform has none."""


def open_timerfd() -> int:
    """Return the descriptor of a disarmed timer that does not block; close it with `os.close`.

    Raises:
        OSError, AttributeError: this platform has no such timer.
    """
    if CLOCK is None:
        raise OSError("no boot-time clock")
    return _create(CLOCK)


def set_timerfd(fd: int, when: float | None) -> None:
    """Let it become readable at `when` (boot time, seconds; a past one: at once), or not at all."""
    # 0 would disarm it, so a time long past becomes a nanosecond after boot.
    _settime(fd, 0.0 if when is None else max(when, 1e-9))


if sys.version_info >= (3, 13):

    def _create(clock: int) -> int:
        return os.timerfd_create(clock, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)

    def _settime(fd: int, when: float) -> None:
        os.timerfd_settime(fd, flags=os.TFD_TIMER_ABSTIME, initial=when)

else:
    import ctypes

    class _TimeSpec(ctypes.Structure):
        _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]

    class _ITimerSpec(ctypes.Structure):
        _fields_ = [("it_interval", _TimeSpec), ("it_value", _TimeSpec)]

    _libc = ctypes.CDLL(None, use_errno=True)
    _TFD_TIMER_ABSTIME = 1

    def _create(clock: int) -> int:
        return _checked(_libc.timerfd_create(clock, os.O_NONBLOCK | os.O_CLOEXEC))

    def _settime(fd: int, when: float) -> None:
        seconds = int(when)
        value = _ITimerSpec(_TimeSpec(0, 0), _TimeSpec(seconds, int((when - seconds) * 1e9)))
        _checked(_libc.timerfd_settime(fd, _TFD_TIMER_ABSTIME, ctypes.byref(value), None))

    def _checked(result: int) -> int:
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
        return result
