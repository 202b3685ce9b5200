"""Shared clients: elections of one process that ask the same server share its connections."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig

__all__ = ["shared_client"]


class _Entry:
    def __init__(self, config: ClusterConfig) -> None:
        self.client = Client(config)
        self.users = 0


_entries: dict[tuple[asyncio.AbstractEventLoop, ClusterConfig], _Entry] = {}
_inherited: list[object] = []


@asynccontextmanager
async def shared_client(config: ClusterConfig) -> AsyncIterator[Client]:
    """Yield the one client of this event loop and `config`; its last user closes it."""
    key = (asyncio.get_running_loop(), config)
    _forget_closed_loops()
    entry = _entries.get(key)
    if entry is None:
        entry = _entries[key] = _Entry(config)
    entry.users += 1
    try:
        yield entry.client
    finally:
        entry.users -= 1
        if not entry.users:
            # Taken out first: a newcomer during the close must get a client of its own.
            _entries.pop(key, None)
            await entry.client.aclose()


def _forget_closed_loops() -> None:
    """Drop what a loop left behind that was stopped in mid-use."""
    for key in [key for key in _entries if key[0].is_closed()]:
        _entries.pop(key, None)


def _abandon() -> None:
    """In a forked child: use none of the parent's sockets, and do not even let them be collected.

    A collected transport would touch the event loop's epoll, which the child shares with its parent.
    """
    _inherited.append(dict(_entries))
    _entries.clear()


os.register_at_fork(after_in_child=_abandon)
