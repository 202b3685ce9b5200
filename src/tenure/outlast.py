"""Outlasting: waiting for something that must have ended before anything else may happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

__all__ = ["outlast"]


def _nothing() -> None:
    pass


async def outlast(task: asyncio.Future[Any], on_cancel: Callable[[], object] = _nothing) -> bool:
    """Wait until `task` has ended, through every cancellation; return whether there was one.

    Args:
        task: is neither cancelled nor asked for its outcome here.
        on_cancel: called at each cancellation.
    """
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
            on_cancel()
    return cancelled
