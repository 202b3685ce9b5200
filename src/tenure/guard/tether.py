"""Tether: the supervisor's end of the pipe to its guard."""

from __future__ import annotations

import fcntl
import math
import os
import sys
import termios
import time

from tenure.guard.cgroup import Cgroup
from tenure.timerfd import CLOCK

__all__ = ["Tether", "tether"]

_VARIABLE = "_TENURE_GUARD"


class Tether:
    """Tells the guard until when it is to wait, and tells whether it listens.

    Args:
        fd: the end of the pipe that is written; the kernel closes it with this process, whatever ends it.
        cgroup: where the program is to run, if the guard could make one.
    """

    def __init__(self, fd: int, cgroup: Cgroup | None) -> None:
        self.cgroup = cgroup
        self._fd = fd
        self._unread_since = math.inf

    def fileno(self) -> int:
        """Return the descriptor, which reports an error as soon as the guard is gone."""
        return self._fd

    def arm(self, deadline: float) -> None:
        """At `deadline` (boot time, seconds) everything is to be killed, unless it is told a later one."""
        if not self._unread_bytes():
            self._unread_since = _now()
        try:
            os.write(self._fd, b"%r\n" % deadline)
        except BrokenPipeError:
            pass  # the guard is gone, which whoever watches the descriptor hears

    def disarm(self) -> None:
        """Nothing is left that would have to be killed."""
        self.arm(math.inf)

    def silence_s(self) -> float:
        """Return for how many seconds the guard has not read what it was told; 0: it has read everything."""
        return _now() - self._unread_since if self._unread_bytes() else 0.0

    def _unread_bytes(self) -> int:
        return int.from_bytes(fcntl.ioctl(self._fd, termios.FIONREAD, bytes(4)), sys.byteorder)


def tether() -> Tether:
    """Return the tether to the guard that has started this process.

    The first process has none: it becomes the guard, which starts the same command once more, as its child.

    Raises:
        OSError: the guard's program cannot be executed.
    """
    inherited = os.environ.pop(_VARIABLE, "")
    if not inherited:
        _open_standard_streams()
        guard = os.path.join(os.path.dirname(__file__), "__main__.py")
        os.execv(sys.executable, [sys.executable, "-I", "-S", guard, _VARIABLE, *sys.orig_argv])
    fd, _, path = inherited.partition(":")
    os.set_inheritable(int(fd), False)
    return Tether(int(fd), Cgroup(path) if path else None)


def _open_standard_streams() -> None:
    """Open what this process was started without: its number would go to a pipe or a connection of ours.

    Whatever is written to stderr, by tenure or by the program, would then be sent there.
    """
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest free number


def _now() -> float:
    return time.clock_gettime(CLOCK)  # type: ignore[arg-type]  # there is no guard without it
