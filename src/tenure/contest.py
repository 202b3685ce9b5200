"""Contest: the race for a record that is free, or will be; when to enter it, and what it taught.

Pure. Rule 2: a contender may write only after its random delay, and after one more read.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tenure.spread import Spread

__all__ = ["Contest"]


class Contest:
    """The present race of one candidate; what it learns serves the next.

    Args:
        draw: returns a random number from 0 to 1.

    Attributes:
        starts_at: when this candidate sends its first request; boot time, seconds; ``inf``: no race.
        needs_read: whether the one more read is still to come.
        entered_at: when its first request went out.
    """

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._spread = Spread()
        self._free_at = math.inf
        self._opened_at = math.inf
        self.starts_at = math.inf
        self.needs_read = True
        self.entered_at: float | None = None

    def plan(self, free_at: float, now: float, *, fresh: bool, first: bool = False) -> None:
        """Prepare for a record that this candidate may take from `free_at` on.

        Args:
            free_at: boot time, seconds; ``-inf``: at once; ``inf``: never.
            now: boot time, seconds.
            fresh: it has just been read, or told free, and need not be read again if the race starts at once.
            first: the others let this candidate go first: nothing is gained by a delay.
        """
        if free_at == self._free_at:
            return
        self._free_at = free_at
        self._opened_at = max(free_at, now)
        delay = 0.0 if first else self._draw() * self._spread.width
        self.starts_at = self._opened_at + delay
        self.needs_read = not (fresh and self.starts_at == now)
        self.entered_at = None

    def enter(self, now: float) -> None:
        """The first request goes out, or a further one."""
        if self.entered_at is None:
            self.entered_at = now

    def has_read(self) -> None:
        """A read was answered; it counts if it was sent for this race."""
        if self.entered_at is not None:
            self.needs_read = False

    def won(self) -> None:
        """The record is ours."""
        if self.entered_at is not None:
            self._spread.won(self.entered_at - self._opened_at)
        self.close()

    def lost(self, now: float) -> None:
        """Somebody else holds the record."""
        if self.entered_at is not None:
            self._spread.contended(now - self.entered_at)
        elif now >= self._opened_at:
            self._spread.seen(now - self._opened_at)
        self.close()

    def close(self) -> None:
        """There is no race any more."""
        self._free_at = self._opened_at = self.starts_at = math.inf
        self.entered_at = None
