"""Voice: what is said on stderr, without ever waiting for somebody to read it.

The program has the same stderr. Who reads neither must not hold up those who watch it.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys

__all__ = ["say", "speak_without_waiting"]

_STDERR = 2


def say(message: str) -> None:
    """Write one line of tenure's own; it is dropped where nobody has read what was written before."""
    _write(f"tenure: {message}\n".encode())


def speak_without_waiting() -> None:
    """Let everything that this process writes to `sys.stderr` be dropped rather than waited for."""
    sys.stderr = _Voice()


class _Voice(io.TextIOBase):
    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        _write(text.encode("utf-8", "backslashreplace"))
        return len(text)


def _write(text: bytes) -> None:
    try:
        mode = os.fstat(_STDERR).st_mode
        if stat.S_ISREG(mode):
            os.write(_STDERR, text)
        elif (fd := _opened_anew(mode)) is None:
            _write_what_fits(text)
        else:
            try:
                os.write(fd, text)
            finally:
                os.close(fd)
    except OSError:
        pass  # nobody reads it, or not any more


def _opened_anew(mode: int) -> int | None:
    """Return a descriptor that does not block: whether stderr does is a property of the program's, too."""
    if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        return None  # a socket, such as that of the journal, cannot be opened
    try:
        return os.open(f"/proc/self/fd/{_STDERR}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None  # it belongs to somebody else, as after `su` in a container


def _write_what_fits(text: bytes) -> None:
    """Write what is sure not to block, unless the program fills the last of the room at this very moment."""
    poll = select.poll()
    poll.register(_STDERR, select.POLLOUT)
    if poll.poll(0):
        os.write(_STDERR, text[: select.PIPE_BUF])
