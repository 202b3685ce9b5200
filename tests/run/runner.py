"""``tenure run`` as real processes, and what the programs below it have noted."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.sidecar.process import Sidecar, _read_lines, eventually

__all__ = ["CHILD", "Runner", "is_alive", "state_of", "unread_bytes"]

CHILD = Path(__file__).with_name("child.py")


def state_of(pid: int) -> str:
    """Return the letter of a process's state; empty: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Tell whether it still runs; a zombie does not."""
    return state_of(pid) not in ("", "Z", "X")


def unread_bytes(pipe: int) -> int:
    """Return how many bytes wait in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


class Runner(Sidecar):
    """A running ``tenure run``, which is ended with everything below it when the block ends.

    Args:
        name: its ``--id``.
        arguments: flags, ``"--"``, and the program.
        folder: where the program takes its notes.
        port: where it answers; 0: nowhere.
        output: where its stdout and stderr go instead of being read here.
    """

    def __init__(
        self, name: str, *arguments: str, folder: Path, port: int = 0, output: int = subprocess.PIPE
    ) -> None:
        self.folder = folder
        self.port = port
        flags = [f"--id={name}"] + ([f"--http=127.0.0.1:{port}"] if port else [])
        command = [sys.executable, "-m", "tenure", "run", *flags, *arguments]
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("POD_", "KUBE"))
        }
        self.process = subprocess.Popen(command, stdout=output, stderr=output, text=True, env=environment)
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        pipes = ((self.process.stdout, self.stdout), (self.process.stderr, self.stderr))
        self._readers = [_read_lines(pipe, lines) for pipe, lines in pipes if pipe]

    @property
    def pid(self) -> int:
        """Of the guard."""
        return self.process.pid

    @property
    def supervisor(self) -> int:
        """The process that campaigns."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        found: int = eventually(lambda: [int(pid) for pid in children.read_text().split()])[0]
        return found

    def note(self, name: str = "child", *, but: int = 0) -> dict[str, Any]:
        """Wait until a program of this name (not the one with the pid `but`) has begun; return its note."""

        def look() -> dict[str, Any] | None:
            for path in self.folder.glob(f"{name}-*.note"):
                note: dict[str, Any] = json.loads(path.read_text())
                if note["pid"] != but and (self.folder / f"{name}-{note['pid']}.beat").exists():
                    return note
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.stderr}"
            return None

        found: dict[str, Any] = eventually(look)
        return found

    def last_beat(self, note: dict[str, Any]) -> float:
        """Return the boot time at which a program was last seen alive; it is dead."""
        assert not is_alive(note["pid"])
        return float((self.folder / f"{note['name']}-{note['pid']}.beat").read_text())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            for pid in (self.pid, self.supervisor):
                os.kill(pid, signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        super().__exit__(kind, error, trace)
