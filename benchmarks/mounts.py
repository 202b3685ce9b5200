"""Mounts: what a Pod finds in its file system and environment."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.server import Cluster

__all__ = ["mounted_account"]

_RULES = [
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["get", "create", "update", "watch"],
    }
]


def mounted_account(cluster: Cluster, namespace: str) -> tuple[Path, dict[str, str]]:
    """Create a ServiceAccount that may elect in `namespace`; return its folder and a Pod's environment."""
    account = cluster.service_account(namespace, "candidate", _RULES)
    host, _, port = cluster.url.removeprefix("https://").partition(":")
    return account.mount, {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
