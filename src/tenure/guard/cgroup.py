"""Cgroup: a control group for the program, where this process may make one.

The kernel kills a control group as a whole, and with it what forks faster than anybody can look. In most
containers nobody may make one; then looking has to do.
"""

from __future__ import annotations

import os
import time

__all__ = ["Cgroup", "make_cgroup"]

_REMOVE_TIMEOUT_S = 1.0


class Cgroup:
    """A control group of version 2.

    Args:
        path: of its folder.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def kill(self) -> None:
        """Send SIGKILL to all that is in it, at one moment."""
        try:
            _write(f"{self.path}/cgroup.kill", b"1")
        except OSError:
            pass  # it was removed: nothing was in it

    def remove(self) -> None:
        """Remove it with those that were made within it; nothing is alive there."""
        give_up = time.monotonic() + _REMOVE_TIMEOUT_S
        while not self._is_removed() and time.monotonic() < give_up:
            time.sleep(0.01)  # the kernel takes leave of the dead a little later

    def _is_removed(self) -> bool:
        try:
            for folder, _, _ in os.walk(self.path, topdown=False):
                os.rmdir(folder)
        except OSError:
            return False
        return True


def make_cgroup() -> Cgroup | None:
    """Make one below this process's own; None: that is not possible here."""
    try:
        path = f"{_own_folder()}/tenure-{os.getpid()}"
        if os.path.exists(path):  # left by a guard of the same number that was killed; in use, it stays
            os.rmdir(path)
        os.mkdir(path)
    except (OSError, ValueError):
        return None
    cgroup = Cgroup(path)
    if not os.access(f"{path}/cgroup.kill", os.W_OK):  # Linux 5.14
        cgroup.remove()
        return None
    return cgroup


def _own_folder() -> str:
    with open("/proc/self/cgroup", encoding="utf-8") as lines:
        own = next((line.rstrip("\n")[3:] for line in lines if line.startswith("0::")), "")
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        mounts = [line.split() for line in lines if " - cgroup2 " in line]
    for _, _, _, root, mount, *_ in mounts:
        root = root.rstrip("/")
        if own and (own + "/").startswith(root + "/"):
            return mount + own[len(root) :].rstrip("/")
    raise ValueError("no control groups of version 2")


def _write(path: str, text: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text)
    finally:
        os.close(fd)
