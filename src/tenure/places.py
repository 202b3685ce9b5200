"""Places: what a user may name instead of a lock."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Literal

from tenure.errors import ConfigurationError
from tenure.lock import Lock

__all__ = ["lock_at"]

_log = logging.getLogger("tenure")


def lock_at(
    where: str | Lock,
    *,
    kubeconfig: str | Path | None,
    context: str | None,
    kind: Literal["lease", "peers"] = "lease",
) -> Lock:
    """Return the lock that `where` stands for; a string is the name of a lock of this kind.

    ``TENURE_LOCK=memory`` in the environment puts every election that was named by a string into this
    process's memory, for development: whoever campaigns leads.

    Raises:
        ConfigurationError: the arguments contradict each other, or the environment asks for something else.
    """
    if not isinstance(where, str):
        if kubeconfig is not None or context is not None:
            raise ConfigurationError("kubeconfig and context belong to the lock: pass them to it")
        return where
    chosen = os.environ.get("TENURE_LOCK") or "lease"
    if chosen == "memory" and kind == "peers":
        raise ConfigurationError(
            f"TENURE_LOCK=memory cannot number the terms of several peers: use Peers({where!r}, …) alone"
        )
    if chosen == "memory":
        from tenure.locks.memory import MemoryLock

        _log.warning("TENURE_LOCK=memory: election %r stays within this process, which always leads", where)
        return MemoryLock(where)
    if chosen != "lease":
        raise ConfigurationError(f"TENURE_LOCK={chosen!r} is not known: use memory, or leave it out")
    if kind == "peers":
        from tenure.locks.peers import PeersLock

        return PeersLock(where, kubeconfig=kubeconfig, context=context)
    from tenure.locks.lease import LeaseLock

    return LeaseLock(where, kubeconfig=kubeconfig, context=context)
