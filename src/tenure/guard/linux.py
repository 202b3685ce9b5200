"""Linux: what only its kernel offers, and Python does not."""

from __future__ import annotations

import ctypes
import os

__all__ = ["become_subreaper"]

_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Adopt every descendant whose parent ends, as PID 1 does; children of this process do not inherit it.

    Raises:
        OSError, AttributeError: this is no Linux.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
