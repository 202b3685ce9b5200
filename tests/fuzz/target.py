"""Target: what is fuzzed, with the property that every input must keep."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

__all__ = ["HungError", "Target", "alarm"]

_ALARM_S = 20.0
"""Generous: nothing here takes a hundredth of it, so that only a hang reaches it."""


class HungError(BaseException):
    """An input took far too long; no `except Exception` under test can swallow it."""


class Target(Protocol):
    """Something that takes inputs one after the other, in one process."""

    def check(self, decisions: random.Random) -> None:
        """Make an input out of the decisions and try it.

        Raises:
            Exception: whatever a correct program does not raise; AssertionError for a wrong answer.
        """
        ...

    def close(self) -> None:
        """Let go of everything, after a last look at what must not have changed.

        Raises:
            AssertionError: something was left behind.
        """
        ...


@contextmanager
def alarm() -> Iterator[None]:
    """Raise `HungError` in the main thread if the block hangs."""
    signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, _ALARM_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(number: int, frame: FrameType | None) -> None:
    raise HungError(f"an input took longer than {_ALARM_S:g} s")
