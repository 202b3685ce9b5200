"""Server: one process on this machine's loopback or on a socket file, which dies with the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.folder import create_folder, remove_folder
from tests.cluster.process import start_process

__all__ = ["Server"]

READY_TIMEOUT_S = 60  # generous: the machine may be busy with other things
STARTS = 3  # a free port can be taken by another process before the server binds it


class Server(ABC):
    """One server with a folder of its own; it dies with the thread that called `start`.

    Attributes:
        name: for people, and of its log.
        folder: for its data, its log and its sockets.
    """

    name: str
    folder: Path
    ends_on = signal.SIGKILL  # what ends it at once; there is nothing in it to save

    def start(self) -> None:
        """Start the server and wait until it is ready.

        Where that fails, the folder with the log stays, until another start removes it.

        Raises:
            BinaryUnavailableError: it cannot be had on this machine.
            RuntimeError: it does not come up; names its log.
        """
        self.folder = create_folder(Path(tempfile.gettempdir()))
        for left in reversed(range(STARTS)):
            command = self.prepare()
            with self._log.open("ab") as log:
                self._process = start_process(command, stdout=log, stderr=log)
            try:
                self._wait_until_ready()
                return
            except RuntimeError:
                self._end()
                if not left:
                    raise

    def stop(self) -> None:
        """End the server and remove its folder."""
        self._end()
        remove_folder(self.folder)

    @abstractmethod
    def prepare(self) -> Sequence[str]:
        """Make what the server needs, and return its command; a repeated call chooses another port."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Tell whether the server answers."""

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self.is_ready():
            if self._process.poll() is not None:
                lines = self._log.read_text(errors="replace").strip().splitlines() or ["no output"]
                raise RuntimeError(f"{self.name} ended while starting: {lines[-1]} ({self._log})")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready, see {self._log}")
            time.sleep(0.02)

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(self.ends_on)
            try:
                self._process.wait(READY_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.kill(self._process.pid, signal.SIGKILL)
                self._process.wait()
