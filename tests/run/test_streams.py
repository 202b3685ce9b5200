"""Standard streams that are closed, full, of somebody else, or a terminal that stops who writes to it."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
from pathlib import Path

import pytest

_SAY = "import os, sys; from tenure.guard.voice import say; {before}; say('here'); print('went on')"
_LOOK = """
import os, sys
open(sys.argv[1], "w").write(" ".join(os.readlink(f"/proc/self/fd/{number}") for number in range(3)))
raise SystemExit(5)
"""


def tenure_run(kubeconfig: Path, *program: str) -> list[str]:
    flags = ["--election=example", f"--kubeconfig={kubeconfig}", "--lease-duration=2s"]
    return [sys.executable, "-m", "tenure", "run", *flags, "--", *program]


def speak(stderr: int, *, before: str = "pass") -> str:
    """Let a process say something on this stderr; return what it prints when it has."""
    command = [sys.executable, "-c", _SAY.format(before=before)]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, check=True, timeout=60
    ).stdout


def test_closed_streams_are_not_mixed_up_with_the_files_of_tenure(kubeconfig: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    closing = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    command = [*closing, *tenure_run(kubeconfig, sys.executable, "-c", _LOOK, str(seen))]
    assert subprocess.run(command, timeout=60, check=False).returncode == 5
    assert seen.read_text() == "/dev/null /dev/null /dev/null"


def test_a_terminal_that_stops_who_writes_from_the_background(kubeconfig: Path) -> None:
    number, terminal = pty.fork()
    if number == 0:
        settings = termios.tcgetattr(0)
        settings[3] |= termios.TOSTOP
        termios.tcsetattr(0, termios.TCSANOW, settings)
        os.execv(sys.executable, tenure_run(kubeconfig, "sh", "-c", "exit 5"))
    said = b""
    try:
        while select.select([terminal], [], [], 60)[0] and (chunk := os.read(terminal, 4096)):
            said += chunk
    except OSError:
        pass  # how a terminal ends
    os.kill(number, signal.SIGKILL)  # it has ended; or it hangs
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 5
    assert b"starting sh" in said
    os.close(terminal)


def test_a_pipe_of_somebody_else_is_written_to() -> None:
    """It cannot be opened anew then, as the stderr of a container after ``su``."""
    read, write = os.pipe()
    os.fchmod(write, 0)
    assert speak(write, before="os.getuid() or os.setuid(65534)") == "went on\n"
    assert os.read(read, 100) == b"tenure: here\n"
    os.close(read)
    os.close(write)


def test_a_socket_that_nobody_reads_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert speak(theirs.fileno()) == "went on\n"
        assert ours.recv(100) == b"tenure: here\n"
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                theirs.send(bytes(4096))
        theirs.setblocking(True)
        assert speak(theirs.fileno()) == "went on\n"
