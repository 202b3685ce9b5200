"""tenure: leader election on Kubernetes, where a stale leader can do no harm."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tenure.elector import LeaderElector
from tenure.errors import (
    ConfigurationError,
    LeadershipLostError,
    LockUnavailableError,
    NotLeaderError,
    PermissionDeniedError,
    StaleTokenError,
    TenureError,
)
from tenure.observer import LeaderObserver
from tenure.term import Term
from tenure.timing import Timing
from tenure.token import FencingToken

if TYPE_CHECKING:
    from tenure.locks.annotation import ConfigMapLock, EndpointsLock
    from tenure.locks.blackboard import BlackboardLock
    from tenure.locks.lease import LeaseLock
    from tenure.locks.memory import MemoryLock
    from tenure.locks.multi import MultiLock

__all__ = [
    "BlackboardLock",
    "ConfigMapLock",
    "ConfigurationError",
    "EndpointsLock",
    "FencingToken",
    "LeaderElector",
    "LeaderObserver",
    "LeadershipLostError",
    "LeaseLock",
    "LockUnavailableError",
    "MemoryLock",
    "MultiLock",
    "NotLeaderError",
    "PermissionDeniedError",
    "StaleTokenError",
    "TenureError",
    "Term",
    "Timing",
]

# Loaded at first use: a program pays for the one kind of lock that it uses.
_LOCKS = {
    "BlackboardLock": "tenure.locks.blackboard",
    "ConfigMapLock": "tenure.locks.annotation",
    "EndpointsLock": "tenure.locks.annotation",
    "LeaseLock": "tenure.locks.lease",
    "MemoryLock": "tenure.locks.memory",
    "MultiLock": "tenure.locks.multi",
}


def __getattr__(name: str) -> Any:
    if name in _LOCKS:
        return getattr(import_module(_LOCKS[name]), name)
    raise AttributeError(f"module 'tenure' has no attribute {name!r}")
