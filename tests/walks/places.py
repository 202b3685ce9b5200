"""Our locks by the names that client-go gives them."""

from __future__ import annotations

from pathlib import Path

from tenure import BlackboardLock, ConfigMapLock, EndpointsLock, LeaseLock, MultiLock
from tenure.lock import Lock

__all__ = ["SHARED_KINDS", "lock_of"]

# The kinds that client-go has too, with the version of it that still has them.
SHARED_KINDS = {
    "leases": "v0.36",
    "endpoints": "v0.23",
    "configmaps": "v0.23",
    "endpointsleases": "v0.23",
    "configmapsleases": "v0.23",
}


def lock_of(kind: str, name: str, namespace: str, kubeconfig: str | Path) -> Lock:
    """Return the lock of that kind."""
    lease = LeaseLock(name, namespace, kubeconfig=kubeconfig)
    endpoints = EndpointsLock(name, namespace, kubeconfig=kubeconfig)
    config_map = ConfigMapLock(name, namespace, kubeconfig=kubeconfig)
    return {
        "leases": lease,
        "endpoints": endpoints,
        "configmaps": config_map,
        "endpointsleases": MultiLock(endpoints, lease),
        "configmapsleases": MultiLock(config_map, lease),
        "blackboard": BlackboardLock(name, namespace, kubeconfig=kubeconfig),
    }[kind]
