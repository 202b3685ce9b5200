"""Kinds: the locks that the sidecar can be told to use, by their names on its command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.kubernetes.config import ClusterConfig
from tenure.lock import Lock

if TYPE_CHECKING:
    from tenure.locks.kube import KubeLock

__all__ = ["LOCK_KINDS", "LockPlace", "single_lock"]

LOCK_KINDS = ("lease", "endpoints", "configmap", "blackboard", "endpointsleases", "configmapsleases")
"""What ``--lock`` takes; the last two are held as two objects, to migrate from one to the other."""
_PRIMARIES = {"endpointsleases": "endpoints", "configmapsleases": "configmap"}


@dataclass(frozen=True, kw_only=True)
class LockPlace:
    """Where an election lives, whatever kind of lock is put there.

    Attributes:
        name: of the object, which is the name of the election.
        namespace: of the object.
        config: the API server and the identity there.
    """

    name: str
    namespace: str
    config: ClusterConfig

    def lock(self, kind: str) -> Lock:
        """Return the lock of one of `LOCK_KINDS`, or the object of ``peers``, at this place.

        Raises:
            ConfigurationError: the name or the namespace cannot be one.
        """
        if kind in _PRIMARIES:
            from tenure.locks.multi import MultiLock

            return MultiLock(self.lock(_PRIMARIES[kind]), self.lock("lease"))
        return single_lock(kind)(self.name, self.namespace, config=self.config)


def single_lock(kind: str) -> type[KubeLock]:
    """Return the class of a kind of lock that is one object."""
    # Loaded at first use: a sidecar that holds a Lease does not pay for the rest.
    if kind == "lease":
        from tenure.locks.lease import LeaseLock

        return LeaseLock
    if kind == "peers":
        from tenure.locks.peers import PeersLock

        return PeersLock
    if kind == "blackboard":
        from tenure.locks.blackboard import BlackboardLock

        return BlackboardLock
    from tenure.locks.annotation import ConfigMapLock, EndpointsLock

    return {"endpoints": EndpointsLock, "configmap": ConfigMapLock}[kind]
