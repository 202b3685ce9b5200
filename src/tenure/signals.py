"""SIGTERM, taken only where nobody else has it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["EXIT_STATUS_SIGTERM", "on_sigterm", "on_sigterm_here"]

EXIT_STATUS_SIGTERM = 128 + signal.SIGTERM

# Several elections of one event loop share the signal: the first takes it, the last gives it back.
_callbacks: dict[asyncio.AbstractEventLoop, list[Callable[[], None]]] = {}
_taken = False


@contextmanager
def on_sigterm(callback: Callable[[], None]) -> Iterator[None]:
    """Call back in the running event loop at SIGTERM, unless somebody else handles it; restore it after.

    Servers such as uvicorn and gunicorn have handlers of their own, and end their tasks themselves.
    """
    loop = asyncio.get_running_loop()
    if loop not in _callbacks:
        if not _is_free():
            yield
            return
        _take(loop)
    callbacks = _callbacks[loop]
    callbacks.append(callback)
    try:
        yield
    finally:
        callbacks.remove(callback)
        if not callbacks:
            _give_back(loop)


@contextmanager
def on_sigterm_here(callback: Callable[[], None], *, wanted: bool) -> Iterator[Callable[[], bool]]:
    """Do the same without an event loop, if it is `wanted`; yield what tells whether the signal has come."""
    global _taken
    came = False

    def handle(*_: object) -> None:
        nonlocal came
        came = True
        callback()

    take = wanted and _is_free()
    if take:
        _taken = True
        signal.signal(signal.SIGTERM, handle)
    try:
        yield lambda: came
    finally:
        if take and _taken:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _taken = False


def _is_free() -> bool:
    in_main_thread = threading.current_thread() is threading.main_thread()
    return in_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def _take(loop: asyncio.AbstractEventLoop) -> None:
    global _taken
    callbacks = _callbacks[loop] = []
    loop.add_signal_handler(signal.SIGTERM, lambda: [call() for call in tuple(callbacks)])
    _taken = True


def _give_back(loop: asyncio.AbstractEventLoop) -> None:
    global _taken
    _callbacks.pop(loop, None)
    if _taken:
        loop.remove_signal_handler(signal.SIGTERM)
    _taken = False


def _forget() -> None:
    """In a forked child: die of SIGTERM like anybody else.

    The event loop's wakeup pipe is shared with the parent, which would take the child's signal for its own.
    """
    global _taken
    if _taken:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _taken = False


os.register_at_fork(after_in_child=_forget)
