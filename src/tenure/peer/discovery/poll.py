"""Polling: looking again and again, where nobody tells of a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from tenure.peer.discovery.peer import Peer

__all__ = ["poll"]


async def poll(
    look: Callable[[], Awaitable[frozenset[Peer] | None]], period_s: float
) -> AsyncGenerator[frozenset[Peer], None]:
    """Yield what the first look finds, then whatever differs.

    Args:
        look: returns the peers; None: this look has found nothing out.
        period_s: seconds between two looks.
    """
    told: frozenset[Peer] | None = None
    while True:
        found = await look()
        if found is not None and found != told:
            told = found
            yield found
        await asyncio.sleep(period_s)
