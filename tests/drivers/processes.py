"""Real child processes that elect over the embedded API server."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.drivers.tools import PATIENCE_S, wait_until

__all__ = ["Child", "child"]

# What every program starts with: its kubeconfig, an elector, and a line to the test for each thing it does.
_PREAMBLE = """
import asyncio, contextlib, os, signal, sys, threading, time
from tenure import *
from tenure import blocking
from tenure.clock import boot_time

kubeconfig = sys.argv[1]
def lock(name="reports"):
    return LeaseLock(name, kubeconfig=kubeconfig)
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""


class Child:
    """A Python program; what it says comes line by line."""

    def __init__(self, program: str, kubeconfig: Path) -> None:
        source = _PREAMBLE + textwrap.dedent(program)
        self.process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "error", "-c", source, str(kubeconfig)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "POD_NAME": "one-name"},
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.errors = ""
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or []:
            self._lines.put(line.strip())
        self._lines.put(None)

    def _read_errors(self) -> None:
        self.errors = self.process.stderr.read() if self.process.stderr else ""

    def says(self) -> str:
        """Return the next line; empty: the program has ended."""
        try:
            return self._lines.get(timeout=PATIENCE_S) or ""
        except queue.Empty:
            raise AssertionError("the program says nothing") from None

    def complaints(self) -> str:
        """Return what it wrote to its error output, but for asyncio's remarks on a slow machine."""
        return "".join(line for line in self.errors.splitlines(True) if not line.startswith("Executing <"))

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stopped(self) -> None:
        """Wait until SIGSTOP has taken effect."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")

    def ends(self) -> int:
        """Wait for the end; return the exit status."""
        status = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join()
        return status

    def close(self) -> None:
        """Free everything."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.ends()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


@contextlib.contextmanager
def child(program: str, kubeconfig: Path) -> Iterator[Child]:
    """Run a program while the block lasts."""
    running = Child(program, kubeconfig)
    try:
        yield running
    finally:
        running.close()
