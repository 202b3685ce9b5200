"""Temporary folders of clusters, in memory where the machine allows it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["create_folder", "remove_folder"]

PREFIX = "tenure-cluster-"

_locks: dict[Path, int] = {}  # the open lock of each folder of this process


def create_folder(parent: Path | None = None) -> Path:
    """Create a folder that is locked while this process lives; remove those that killed processes left.

    Args:
        parent: where; None: in memory. A container's memory folder may hold no more than 64 MB.
    """
    memory = Path("/dev/shm")
    if parent is None:
        parent = memory if os.access(memory, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    for left in parent.glob(f"{PREFIX}*"):
        _remove_if_abandoned(left)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    _locks[folder] = os.open(folder, os.O_RDONLY)
    fcntl.flock(_locks[folder], fcntl.LOCK_EX)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder of `create_folder`; without effect if it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(KeyError):
        os.close(_locks.pop(folder))


def _remove_if_abandoned(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:  # gone meanwhile, or another user's
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A folder that is empty may be one that its maker has not locked yet.
        if any(folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # locked: in use
        pass
    finally:
        os.close(lock)
