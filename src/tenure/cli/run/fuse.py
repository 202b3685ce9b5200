"""Fuse: the kernel kills this process at a boot time, even if it is stopped by then."""

from __future__ import annotations

import ctypes
import math
import os
import signal

from tenure.timerfd import CLOCK

__all__ = ["Fuse"]

_SIGEV_SIGNAL = 0
_TIMER_ABSTIME = 1


class _Event(ctypes.Structure):
    _fields_ = [
        ("sigev_value", ctypes.c_void_p),
        ("sigev_signo", ctypes.c_int),
        ("sigev_notify", ctypes.c_int),
        ("_padding", ctypes.c_char * 48),
    ]


class _TimeSpec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


class _Timer(ctypes.Structure):
    _fields_ = [("it_interval", _TimeSpec), ("it_value", _TimeSpec)]


class Fuse:
    """Kills this process with SIGKILL at the moment that was set last, for good.

    Raises:
        OSError, AttributeError: this platform has no such timer.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        event = _Event(None, signal.SIGKILL, _SIGEV_SIGNAL, b"")
        self._check(self._libc.timer_create(CLOCK, ctypes.byref(event), ctypes.byref(self._timer)))

    def set(self, when: float) -> None:
        """Blow at `when` (boot time, seconds); ``inf``: not at all."""
        seconds, fraction = (0, 0.0) if math.isinf(when) else (int(when), when % 1)
        value = _Timer(_TimeSpec(0, 0), _TimeSpec(seconds, int(fraction * 1e9)))
        self._check(self._libc.timer_settime(self._timer, _TIMER_ABSTIME, ctypes.byref(value), None))

    def _check(self, result: int) -> None:
        if result:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
