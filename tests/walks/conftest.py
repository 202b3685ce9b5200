"""Candidates of ours as processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.candidate_process import CandidateProcess
from tests.cluster.server import Cluster

StartOurs = Callable[..., CandidateProcess]


@pytest.fixture
def ours(cluster: Cluster, namespace: str) -> Iterator[StartOurs]:
    """Start candidates of ours: ``ours(identity, lock="leases", lease_duration_s=15)``."""
    started: list[CandidateProcess] = []

    def start(identity: str, *, lock: str = "leases", lease_duration_s: float = 15) -> CandidateProcess:
        candidate = CandidateProcess(
            identity,
            [
                sys.executable,
                "-m",
                "tests.walks.candidate",
                f"--kubeconfig={cluster.admin_kubeconfig}",
                f"--namespace={namespace}",
                "--name=election",
                f"--lock={lock}",
                f"--identity={identity}",
                f"--lease-duration={lease_duration_s}",
            ],
        )
        candidate.start()
        started.append(candidate)
        return candidate

    yield start
    for candidate in started:
        candidate.kill()
