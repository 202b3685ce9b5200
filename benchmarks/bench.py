"""Bench: the cluster, and the candidates that a measure has started."""

from __future__ import annotations

import random
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from tests.cluster.candidate_process import CandidateProcess

from benchmarks.audited import AuditedCluster
from benchmarks.subjects import ClientGo, Tenure

__all__ = ["KINDS", "Bench"]

SubjectT = TypeVar("SubjectT", bound=CandidateProcess)

KINDS: dict[str, type[Tenure | ClientGo]] = {"tenure": Tenure, "client-go": ClientGo}
"""The candidates that are compared, by the name in the results."""


class Bench:
    """What every measure works with.

    Args:
        cluster: runs; None: no measure needs one.
        quick: few repeats and shorter pauses: shows that the measure works, and no more.
    """

    def __init__(self, cluster: AuditedCluster | None, *, quick: bool) -> None:
        self._cluster = cluster
        self.quick = quick
        self.random = random.Random(1)
        self._running: list[CandidateProcess] = []

    @property
    def cluster(self) -> AuditedCluster:
        """The cluster, for measures that need one."""
        assert self._cluster is not None
        return self._cluster

    def repeats(self, full: int, quick: int = 2) -> int:
        """Return how often to repeat."""
        return quick if self.quick else full

    def namespace(self, measure: str) -> str:
        """Create a new namespace, named after the measure."""
        return self.cluster.namespace(f"{measure.replace('_', '-')}-{secrets.token_hex(3)}")

    def start(self, subject: SubjectT) -> SubjectT:
        """Start a candidate; it is killed when the measure ends, if it still runs."""
        subject.start()
        self._running.append(subject)
        return subject

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Kill what the block has started, and let a paused API server run on."""
        try:
            yield
        finally:
            if self._cluster is not None:
                self._cluster.resume()
            for subject in self._running:
                if subject.process.poll() is None:
                    subject.process.send_signal(signal.SIGCONT)
                subject.kill()
            self._running.clear()

    def settle(self, at_least_s: float, random_s: float = 0.0) -> None:
        """Wait, and a random time more, so that nothing is measured in step with a renewal."""
        time.sleep(at_least_s + self.random.random() * random_s)
