"""Candidates of client-go as child processes."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.build import binary
from tests.cluster.candidate_process import CandidateProcess

__all__ = ["ClientGoCandidate"]


class ClientGoCandidate(CandidateProcess):
    """One client-go candidate (`version` v0.36: leases; v0.23: also the four older locks).

    "stopped" comes at every end, also of a candidate that never led. Its process exits with 0 after
    `terminate`, with 1 when it lost its term. `terminate` releases the lock, where it was told to, unless a
    renewal is in flight: then client-go's release fails (nearly always in v0.23, rarely in v0.36), and the
    lock has to run out.
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
        command = [
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
        super().__init__(identity, command)
