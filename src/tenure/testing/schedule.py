"""Schedule: true time, and what is to happen in it."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

__all__ = ["Schedule"]

# More than this without time going on, and something waits for itself.
_MOST_AT_ONCE = 100_000


class Schedule:
    """What will happen, in the order of its time; what is planned first for one instant happens first.

    Attributes:
        now: true time, seconds.
        done: how many things have happened.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.done = 0
        self._plans: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._planned = 0

    def at(self, when: float, action: Callable[..., object], *args: Any) -> None:
        """Do something at a true time; in the past means now."""
        self._planned += 1
        heappush(self._plans, (max(self.now, when), self._planned, action, args))

    def after(self, seconds: float, action: Callable[..., object], *args: Any) -> None:
        """Do something in some seconds."""
        self.at(self.now + seconds, action, *args)

    def run(self, until: float) -> None:
        """Let time go on; never back.

        Raises:
            RuntimeError: it does not, for all that happens in it.
        """
        plans = self._plans
        at_once = 0
        while plans and plans[0][0] <= until:
            when, _, action, args = heappop(plans)
            at_once = 0 if when > self.now else at_once + 1
            if at_once > _MOST_AT_ONCE:
                raise RuntimeError(f"busy for nothing at {self.now}")
            self.now = when
            self.done += 1
            action(*args)
        self.now = max(self.now, until)
