"""Candidates of client-go as child processes."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from tests.cluster.build import binary
from tests.cluster.process import start_process

__all__ = ["ClientGoCandidate"]


class ClientGoCandidate:
    """One client-go candidate (`version` v0.36: leases; v0.23: also the four older locks).

    It reports events as dictionaries with the keys event ("started", "leader" or "stopped"), identity, leader
    and boottime (seconds of CLOCK_BOOTTIME, when it was reported). "stopped" comes at every end, also of a
    candidate that never led. Its process exits with 0 after `terminate`, with 1 when it lost its term.
    """

    def __init__(
        self,
        kubeconfig: Path,
        namespace: str,
        name: str,
        identity: str,
        *,
        version: str = "v0.36",
        lock: str = "leases",
        lease_duration_s: float = 15,
        renew_deadline_s: float = 10,
        retry_period_s: float = 2,
        release_on_cancel: bool = True,
    ) -> None:
        self.identity = identity
        self.events: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._command = [
            str(binary(f"candidate-{version}")),
            f"--kubeconfig={kubeconfig}",
            f"--namespace={namespace}",
            f"--name={name}",
            f"--lock={lock}",
            f"--identity={identity}",
            f"--lease-duration={lease_duration_s}s",
            f"--renew-deadline={renew_deadline_s}s",
            f"--retry-period={retry_period_s}s",
            f"--release-on-cancel={str(release_on_cancel).lower()}",
        ]
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
        """Send SIGTERM, wait, and return the exit status.

        That releases the lock, where it was told to, unless a renewal is in flight: then client-go's release
        fails (nearly always in v0.23, rarely in v0.36), and the lock has to run out.
        """
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
