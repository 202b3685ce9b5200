"""Interruption: SIGINT and SIGTERM end a command that would go on for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import click

from tenure.sidecar.termination import termination

__all__ = ["until_interrupted"]

T = TypeVar("T")


async def until_interrupted(work: Coroutine[None, None, T]) -> T:
    """Run `work`; return what it returns.

    Raises:
        click.Abort: a signal came first, and the work has been cancelled.
    """
    with termination() as ending:
        working = asyncio.create_task(work)
        stop = asyncio.create_task(ending.wait())
        try:
            await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            working.cancel()
            await asyncio.wait({working})
    if working.cancelled():
        raise click.Abort
    return working.result()
