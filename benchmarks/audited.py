"""AuditedCluster: an API server that writes down every request for a Lease."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cluster.server import Cluster

__all__ = ["AuditedCluster"]

_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "None"},
    ],
}


class AuditedCluster(Cluster):
    """A `Cluster` whose requests for Leases can be counted."""

    def mark(self) -> int:
        """Return the present end of the log."""
        return self._log.stat().st_size

    def requests_since(self, mark: int, namespace: str) -> list[dict[str, Any]]:
        """Return the finished requests for Leases of a namespace since `mark`, the begun ones of watches."""
        with self._log.open("rb") as log:
            log.seek(mark)
            entries = [json.loads(line) for line in log.read().splitlines() if line.endswith(b"}")]
        return [
            entry
            for entry in entries
            if entry["objectRef"].get("namespace") == namespace
            and (entry["verb"] == "watch") == (entry["stage"] == "ResponseStarted")
        ]

    @property
    def _log(self) -> Path:
        return self.folder / "audit.log"

    def _start_server(self, name: str, *args: str) -> None:
        if name == "kube-apiserver":
            policy = self.folder / "audit-policy.json"
            policy.write_text(json.dumps(_POLICY))
            args = (*args, f"--audit-policy-file={policy}", f"--audit-log-path={self._log}")
        super()._start_server(name, *args)
