"""Network namespaces that nobody can forget: they have no name, and end with the process that made them."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

__all__ = ["Namespace"]

CLONE_NEWNET = 0x40000000

P = ParamSpec("P")
T = TypeVar("T")

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace; a socket stays in the one it was made in, whichever thread uses it later.

    Args:
        path: an existing one (`Namespace.path`); a new one without it.

    Raises:
        OSError: not permitted, or the kernel has none.
    """

    def __init__(self, path: str | None = None) -> None:
        self._fd = -1
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path else _in_thread(_unshare, _open_own)

    @property
    def path(self) -> str:
        """A file that stands for it (``nsenter --net=PATH``), until it is closed."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` inside, in a thread of its own; processes that it starts are inside as well."""
        return _in_thread(self._enter, function, *args, **kwargs)

    def close(self) -> None:
        """Let go of it; it ends with the last process and socket in it. May be repeated."""
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._fd = -1

    def _enter(self) -> None:
        _check(_libc.setns(self._fd, CLONE_NEWNET))


def _in_thread(enter: Callable[[], None], function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """A namespace belongs to a thread: what entered one must not live on to do other work."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(enter).result()
        return thread.submit(function, *args, **kwargs).result()


def _unshare() -> None:
    _check(_libc.unshare(CLONE_NEWNET))


def _open_own() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"network namespace: {os.strerror(number)}")
