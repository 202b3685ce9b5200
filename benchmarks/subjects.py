"""Subjects: the candidates that are measured, as child processes that report events."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.cluster.candidate_process import CandidateProcess
from tests.cluster.client_go import ClientGoCandidate

__all__ = ["ClientGo", "Crowd", "Peer", "PeerCrowd", "Subject", "Tenure"]

# Between the fork and the program itself: tells when the program was executed.
_ANNOUNCE = """
import os, sys, time
line = '{"event": "executed", "identity": "", "leader": "", "boottime": %.6f}\\n'
os.write(1, (line % time.clock_gettime(time.CLOCK_BOOTTIME)).encode())
os.execv(sys.argv[1], sys.argv[1:])
"""
_POLL_S = 0.005


class Subject(CandidateProcess):
    """A process that reports ``executed`` when its program begins, and then what its program reports."""

    def __init__(self, identity: str, command: Sequence[str]) -> None:
        super().__init__(identity, [sys.executable, "-I", "-S", "-c", _ANNOUNCE, *command])

    def seen(self, event: str, after: float = 0.0) -> list[dict[str, Any]]:
        """Return the events of this kind reported after a boot time, oldest first."""
        return [seen for seen in tuple(self.events) if seen["event"] == event and seen["boottime"] > after]

    def wait_after(self, event: str, after: float, timeout_s: float = 60) -> float:
        """Wait for the first such event after a boot time, and return its boot time.

        Raises:
            AssertionError: it did not come within `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        while not (found := self.seen(event, after)):
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.identity}: no {event}: {self.events[-5:]} {self.errors[-3:]}")
            time.sleep(_POLL_S)
        return float(found[0]["boottime"])


class Tenure(Subject):
    """A candidate of tenure (`benchmarks.candidate`)."""

    def __init__(
        self,
        kubeconfig: Path,
        namespace: str,
        name: str,
        identity: str,
        *,
        lease_duration_s: float = 15,
        count_connections: bool = False,
        mount: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        options = {
            "kubeconfig": str(kubeconfig),
            "namespace": namespace,
            "name": name,
            "identity": identity,
            "lease_duration_s": lease_duration_s,
            "count_connections": count_connections,
            "mount": str(mount or ""),
            "environment": environment or {},
        }
        super().__init__(identity, [sys.executable, "-m", "benchmarks.candidate", json.dumps(options)])


class ClientGo(Subject):
    """A candidate of client-go v0.36 that releases on SIGTERM, its durations in the default's ratio."""

    def __init__(
        self, kubeconfig: Path, namespace: str, name: str, identity: str, *, lease_duration_s: float = 15
    ) -> None:
        ready_made = ClientGoCandidate(
            kubeconfig,
            namespace,
            name,
            identity,
            lease_duration_s=lease_duration_s,
            renew_deadline_s=lease_duration_s * 10 / 15,
            retry_period_s=lease_duration_s * 2 / 15,
        )
        super().__init__(identity, ready_made._command)


class Crowd(Subject):
    """Many candidates of tenure in one process (`benchmarks.crowd`)."""

    def __init__(self, kubeconfig: Path, namespace: str, name: str, identity: str, *, count: int) -> None:
        options = {
            "kubeconfig": str(kubeconfig),
            "namespace": namespace,
            "name": name,
            "identity": identity,
            "count": count,
            "lease_duration_s": 15,
        }
        super().__init__(identity, [sys.executable, "-m", "benchmarks.crowd", json.dumps(options)])


class Peer(Subject):
    """One peer of tenure (`benchmarks.peer`)."""

    def __init__(self, identity: str, options: dict[str, Any]) -> None:
        told = json.dumps({**options, "identity": identity})
        super().__init__(identity, [sys.executable, "-m", "benchmarks.peer", told])


class PeerCrowd(Subject):
    """Many peers of tenure in one process (`benchmarks.peer_crowd`): those whose names are `own`."""

    def __init__(self, identity: str, options: dict[str, Any], own: Sequence[str]) -> None:
        told = json.dumps({**options, "identity": identity, "own": list(own)})
        super().__init__(identity, [sys.executable, "-m", "benchmarks.peer_crowd", told])
