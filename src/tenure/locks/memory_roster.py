"""MemoryRoster: the candidates of a `MemoryLock`, so that what runs in production runs in development."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from tenure.locks.roster import Entry

__all__ = ["MemoryRoster"]


class MemoryRoster:
    """Entries in this process's memory; see `tenure.locks.roster.Roster`. Any thread may call it."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._versions = count(1)

    async def list(self, *, timeout: float) -> list[Entry]:
        return sorted(self._entries.values(), key=lambda each: each.identity)

    async def write(self, entry: Entry, *, timeout: float) -> Entry:
        written = self._entries[entry.identity] = replace(entry, version=str(next(self._versions)))
        return written

    async def remove(self, entry: Entry, *, timeout: float) -> None:
        there = self._entries.get(entry.identity)
        if there is not None and entry.version in ("", there.version):
            self._entries.pop(entry.identity, None)
