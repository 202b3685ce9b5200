"""Processes: what runs below a process, found in ``/proc`` and killed without hitting anybody else."""

from __future__ import annotations

import os

from tenure.guard.signals import signal

# As `typing` has it, which the guard does without.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["Process", "below", "kill", "zombies"]

_SNAPSHOTS = 10


class Process:
    """One process, as ``/proc/PID/stat`` told of it.

    Attributes:
        pid: its number, which may be given out again once it was waited for.
        parent: the number of its parent.
        started: when it started, in the kernel's ticks; with `pid` it names one process only.
        is_dead: it has ended, and waits for its parent to notice.
    """

    __slots__ = ("is_dead", "parent", "pid", "started")

    def __init__(self, pid: int, stat: bytes) -> None:
        fields = stat[stat.rindex(b")") + 2 :].split()
        self.pid = pid
        self.is_dead = fields[0] in (b"Z", b"X")
        self.parent = int(fields[1])
        self.started = int(fields[19])


def below(root: int, *, spared: Collection[int] = ()) -> list[Process]:
    """Return what is alive below the process `root`, except the `spared` and what is below those.

    A process that is born or orphaned while this looks may be missed: only two empty answers, one after the
    other, say that nothing is left.

    Raises:
        OSError: there are no descriptors or no memory to look with; that says nothing.
    """
    every = _snapshot()
    children: dict[int, list[Process]] = {}
    for process in every.values():
        children.setdefault(process.parent, []).append(process)
    found, parents = [], [root]
    while parents:
        for process in children.get(parents.pop(), ()):
            if process.pid not in spared:
                parents.append(process.pid)
                if not process.is_dead:
                    found.append(process)
    return found


def zombies(parent: int) -> set[int]:
    """Return the children of `parent` that are dead, and that it has not waited for.

    Raises:
        OSError: as `below`.
    """
    return {process.pid for process in _every() if process.is_dead and process.parent == parent}


def kill(process: Process) -> None:
    """Send SIGKILL to this very process, and never to one that was given its number after it."""
    try:
        fd = os.pidfd_open(process.pid)
    except OSError:
        return  # it has ended; or there are no descriptors left, and whoever looks again still finds it
    try:
        found = _read(process.pid)
        if found is not None and found.started == process.started:
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    except OSError:
        pass  # the same; or it is somebody else's (setuid)
    finally:
        os.close(fd)


def _snapshot() -> dict[int, Process]:
    """Return all processes. One whose parent is missing was orphaned meanwhile: then look again."""
    every: dict[int, Process] = {}
    for _ in range(_SNAPSHOTS):
        every = {process.pid: process for process in _every()}
        if all(process.parent in every or process.parent == 0 for process in every.values()):
            break
    return every


def _every() -> Iterator[Process]:
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := _read(int(name))):
            yield process


def _read(pid: int) -> Process | None:
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None  # it has ended; or /proc hides those of others (hidepid)
    try:
        return Process(pid, os.read(fd, 4096))
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)
