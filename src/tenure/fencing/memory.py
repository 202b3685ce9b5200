"""MemoryFence: a fence for tests; it protects nothing that outlives this process."""

from __future__ import annotations

import threading

from tenure.fencing.fence import stale
from tenure.token import FencingToken

__all__ = ["MemoryFence"]


class MemoryFence:
    """A fence in this process's memory, for tests.

    Attributes:
        highest: the highest token seen; None before the first one.
    """

    def __init__(self) -> None:
        self.highest: FencingToken | None = None
        self._raising = threading.Lock()

    async def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token`, or refuse it; see `tenure.fencing.fence.Fence`."""
        with self._raising:
            if self.highest is not None and token < self.highest:
                raise stale("the fence in memory", int(self.highest), token)
            self.highest = token
