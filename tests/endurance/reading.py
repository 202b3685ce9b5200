"""Reading: what a process holds at a moment, taken by itself."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from tenure.attempts import SentWrite

__all__ = ["Reading"]

_MEMORY_KIB = 2048
_OBJECTS = 50  # caches of the interpreter; one object for every fourth change would be seen
_TURNS = 20
_BETWEEN_S = 0.01
_libc = ctypes.CDLL(None)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a process holds.

    Attributes:
        tasks: asyncio tasks of the running event loop that have not ended.
        threads: of the process, Python's or not.
        files: file descriptors, sockets included.
        sockets: those of them that are sockets.
        objects: Python objects that the garbage collector knows, after it has run; but for the writes that
            a candidate remembers for two leases, which at the pace of these runs have only begun to age.
        resident_kib: resident memory in KiB, after the allocator has given back what it can.
    """

    tasks: int
    threads: int
    files: int
    sockets: int
    objects: int
    resident_kib: int

    @classmethod
    async def settled(cls) -> Self:
        """Take several, and return the smallest of each figure: a request under way is no leak."""
        samples = []
        for turn in range(_TURNS):
            await asyncio.sleep(_BETWEEN_S)
            if turn % 5 == 4:
                samples.append(cls.now(tasks=len(asyncio.all_tasks())))
        smallest = {field.name: min(getattr(one, field.name) for one in samples) for field in fields(cls)}
        return cls(**smallest)

    @classmethod
    def now(cls, *, tasks: int = 0) -> Self:
        """Take one."""
        gc.collect()
        _libc.malloc_trim(0)
        links = _descriptors()
        status = Path("/proc/self/status").read_text()
        return cls(
            tasks=tasks,
            threads=int(_field(status, "Threads")),
            files=len(links),
            sockets=sum(link.startswith("socket:") for link in links),
            objects=sum(not isinstance(thing, SentWrite) for thing in gc.get_objects()),
            resident_kib=int(_field(status, "VmRSS")),
        )

    def leaks_since(self, first: Self) -> list[str]:
        """Return what there is more of than at `first`: of tasks, threads, descriptors nothing may be."""
        allowed = {"objects": _OBJECTS, "resident_kib": _MEMORY_KIB}
        return [
            f"{name}: {getattr(first, name)} -> {now}"
            for name, now in asdict(self).items()
            if now - getattr(first, name) > allowed.get(name, 0)
        ]


def _descriptors() -> list[str]:
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            pass  # that of the listing itself
    return links


def _field(status: str, name: str) -> str:
    return status.partition(f"{name}:")[2].split()[0]
