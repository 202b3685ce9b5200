"""Runs: programs below ``tenure run`` as subjects of a measure."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.subjects import Subject

__all__ = ["Run"]

# Ignores SIGTERM, tells when it began, and writes over and over when it was last alive.
_PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
now = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)
beat = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.pwrite(beat, b"%.6f" % now(), 0)
os.write(1, b'{"event": "started", "identity": "", "leader": "", "boottime": %.6f}\\n' % now())
while True:
    os.pwrite(beat, b"%.6f" % now(), 0)
    time.sleep(0.001)
"""
_POLL_S = 0.01


class Run(Subject):
    """``tenure run`` with a program that reports ``started`` and ignores SIGTERM."""

    def __init__(
        self, kubeconfig: Path, namespace: str, name: str, identity: str, *, lease_duration_s: float = 15
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._beat = Path(self._folder.name) / "beat"
        flags = [f"--kubeconfig={kubeconfig}", f"--election-namespace={namespace}", f"--election={name}"]
        flags += [f"--id={identity}", f"--lease-duration={lease_duration_s}s", "--grace=1s"]
        program = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(self._beat)]
        super().__init__(identity, [sys.executable, "-m", "tenure", "run", *flags, "--", *program])

    @property
    def supervisor(self) -> int:
        """The process below the guard."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def last_alive(self) -> float:
        """Return the boot time at which its program was last seen alive."""
        return float(self._beat.read_text())

    def wait_until_standby(self) -> None:
        """Wait until it says that somebody else leads."""
        while not any("standby" in line for line in tuple(self.errors)):
            time.sleep(_POLL_S)
