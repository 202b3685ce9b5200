"""Orphans: the children that nobody here has started, and that somebody has to wait for."""

from __future__ import annotations

import asyncio
import os

from tenure.guard.processes import zombies

__all__ = ["reap_orphans"]

_LOOK_AGAIN_S = 1.0


async def reap_orphans(died: asyncio.Event) -> None:
    """Wait for the dead children of this process that it has adopted, for ever.

    Those that it has started are waited for elsewhere, and within milliseconds: what a second look still
    finds dead was adopted.

    Args:
        died: is set whenever a child has died.
    """
    before: set[int] = set()
    while True:
        if not before:
            await died.wait()
        died.clear()
        try:
            now = zombies(os.getpid())
        except OSError:  # no descriptors, no memory: the dead can wait
            now = before
        for pid in now & before:
            try:
                os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222  # it does not block
            except ChildProcessError:
                pass  # somebody did wait for it, late
        before = now - before
        await asyncio.sleep(_LOOK_AGAIN_S)
