"""SIGTERM, taken only where nobody else has it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["EXIT_STATUS_SIGTERM", "on_sigterm"]

EXIT_STATUS_SIGTERM = 128 + signal.SIGTERM


@contextmanager
def on_sigterm(callback: Callable[[], None]) -> Iterator[None]:
    """Call back in the running event loop at SIGTERM, unless somebody else handles it; restore it after.

    Servers such as uvicorn and gunicorn have handlers of their own, and end their tasks themselves.
    """
    taken = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    loop = asyncio.get_running_loop()
    if taken:
        loop.add_signal_handler(signal.SIGTERM, callback)
    try:
        yield
    finally:
        if taken:
            loop.remove_signal_handler(signal.SIGTERM)
