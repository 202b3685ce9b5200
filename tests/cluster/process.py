"""Child processes that cannot outlive the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO

__all__ = ["start_process"]

# Runs in the child between fork and exec. A `preexec_fn` would do the same, but Python warns about those in a
# process that has threads. The second line covers a parent that died before the first one ran.
PRELUDE = """
import ctypes, os, signal, sys
ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]): sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


def start_process(
    command: Sequence[str], *, stdout: int | IO[bytes], stderr: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start `command` (its first word is a path); the kernel kills it when the calling *thread* ends.

    It has a session of its own: Ctrl-C reaches the tests alone, which then stop it in good order.
    """
    prelude = [sys.executable, "-I", "-S", "-c", PRELUDE, str(os.getpid())]
    return subprocess.Popen(
        [*prelude, *command],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
