"""tenure: leader election on Kubernetes, where a stale leader can do no harm."""

from __future__ import annotations

# As `typing` has it, which not everybody who imports this pays for.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tenure.elector import LeaderElector
    from tenure.errors import (
        ConfigurationError,
        FenceBusyError,
        LeadershipLostError,
        LockUnavailableError,
        NotLeaderError,
        PermissionDeniedError,
        StaleTokenError,
        TenureError,
    )
    from tenure.fencing.fence import Fence
    from tenure.locks.annotation import ConfigMapLock, EndpointsLock
    from tenure.locks.blackboard import BlackboardLock
    from tenure.locks.lease import LeaseLock
    from tenure.locks.memory import MemoryLock
    from tenure.locks.multi import MultiLock
    from tenure.observer import LeaderObserver
    from tenure.peer.peers import Peers
    from tenure.term import Term
    from tenure.timing import Timing
    from tenure.token import FencingToken

__all__ = [
    "BlackboardLock",
    "ConfigMapLock",
    "ConfigurationError",
    "EndpointsLock",
    "Fence",
    "FenceBusyError",
    "FencingToken",
    "LeaderElector",
    "LeaderObserver",
    "LeadershipLostError",
    "LeaseLock",
    "LockUnavailableError",
    "MemoryLock",
    "MultiLock",
    "NotLeaderError",
    "Peers",
    "PermissionDeniedError",
    "StaleTokenError",
    "TenureError",
    "Term",
    "Timing",
]

# Loaded at first use: a program pays for what it uses, and `import tenure.blocking` or the pytest plugin for
# no more than they need.
_HOMES = {
    "BlackboardLock": "locks.blackboard",
    "ConfigMapLock": "locks.annotation",
    "EndpointsLock": "locks.annotation",
    "Fence": "fencing.fence",
    "FencingToken": "token",
    "LeaderElector": "elector",
    "LeaderObserver": "observer",
    "LeaseLock": "locks.lease",
    "MemoryLock": "locks.memory",
    "MultiLock": "locks.multi",
    "Peers": "peer.peers",
    "Term": "term",
    "Timing": "timing",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f"tenure.{_HOMES.get(name, 'errors')}"), name)
    raise AttributeError(f"module 'tenure' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
