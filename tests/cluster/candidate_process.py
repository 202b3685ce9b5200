"""Candidates as child processes that report events."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any

from tests.cluster.process import start_process

__all__ = ["CandidateProcess"]


class CandidateProcess:
    """One candidate in a process of its own.

    It reports events as dictionaries, one JSON line each, with the keys event ("started", "leader" or
    "stopped"), identity, leader and boottime (seconds of CLOCK_BOOTTIME, when it was reported).
    """

    def __init__(self, identity: str, command: Sequence[str]) -> None:
        self.identity = identity
        self.events: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._command = command
        self._changed = threading.Condition()
        self._readers: list[threading.Thread] = []

    def start(self) -> None:
        """Start the process; it campaigns at once."""
        self.process = start_process(self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._readers = [
            threading.Thread(target=reader, daemon=True) for reader in (self._read_events, self._read_errors)
        ]
        for reader in self._readers:
            reader.start()

    def wait_for(self, event: str, *, leader: str | None = None, timeout_s: float = 60) -> dict[str, Any]:
        """Return the first such event since the start, waiting for it if it has not come yet.

        Raises:
            AssertionError: it did not come within `timeout_s`, or the process ended without it.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                for seen in self.events:
                    if seen["event"] == event and leader in (None, seen["leader"]):
                        return seen
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0 or not self._readers[0].is_alive():
                    raise AssertionError(
                        f"{self.identity}: no {event} {leader or ''}: {self.events} {self.errors[-3:]}"
                    )
                self._changed.wait(min(remaining_s, 1))

    def terminate(self, *, timeout_s: float = 60) -> int:
        """Send SIGTERM, wait, and return the exit status."""
        self.process.terminate()
        return self._wait(timeout_s)

    def kill(self) -> None:
        """Send SIGKILL: nothing is released. Without effect on one that has ended."""
        self.process.kill()
        self._wait(60)

    def pause(self) -> None:
        """Freeze it (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused one run on."""
        self.process.send_signal(signal.SIGCONT)

    def _wait(self, timeout_s: float) -> int:
        status = self.process.wait(timeout_s)
        for reader in self._readers:  # until all that it wrote has been read
            reader.join()
        return status

    def _read_events(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with self._changed:
                    self.events.append(json.loads(line))
                    self._changed.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self.errors.extend(line.decode(errors="replace").rstrip() for line in lines)
