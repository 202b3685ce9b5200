"""Termination: SIGTERM and SIGINT as an event to wait for."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["termination"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def termination() -> Iterator[asyncio.Event]:
    """Yield an event that SIGTERM and SIGINT set, in the running event loop of the main thread."""
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, ending.set)
    try:
        yield ending
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
