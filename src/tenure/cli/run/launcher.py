"""The launcher: becomes COMMAND. It is run as a script, without tenure's packages, so that it starts quickly.

A function between fork and exec could do the same, but Python has no such thing that is safe beside threads.
Whatever keeps COMMAND from running ends it as a shell would: one line, and 126 or 127.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_CANNOT_EXECUTE, _NOT_FOUND = 126, 127


def _launch(supervisor: int, cgroup: str, command: list[str]) -> int:
    # The last line of defence: should supervisor and guard end at once, the kernel kills COMMAND.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        return _CANNOT_EXECUTE
    if cgroup:
        _enter(cgroup)
    # COMMAND is to begin with the signals of a program that a shell has started. What came meanwhile waits.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execvp(command[0], command)
    except OSError as error:
        hint = "; a script must begin with #!" if error.errno == errno.ENOEXEC else ""
        os.write(2, f"tenure: cannot run {command[0]}: {str(error.strerror).lower()}{hint}\n".encode())
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _CANNOT_EXECUTE


def _enter(cgroup: str) -> None:
    try:
        with open(os.path.join(cgroup, "cgroup.procs"), "wb", buffering=0) as file:
            file.write(b"0")
    except OSError:
        pass  # then it is found by looking, as where there is none


if __name__ == "__main__":
    sys.exit(_launch(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
