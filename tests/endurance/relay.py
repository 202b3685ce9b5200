"""Relay: counts changes of leadership, and reads at two of them what the process holds."""

from __future__ import annotations

import time

from tests.endurance.reading import Reading

__all__ = ["Relay"]


class Relay:
    """Told of every term; the readings are taken while its holder holds it and nobody else moves.

    Args:
        first: the change at which everything that is made once has been made.
        last: the change at which nothing may have been added to that.

    Attributes:
        changes: how many there were.
        readings: what was read, at `first` and at `last`.
        is_over: no more changes are wanted.
    """

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last
        self._began = time.monotonic()
        self._paused_s = 0.0
        self.changes = 0
        self.readings: list[Reading] = []
        self.is_over = False  # only after the last reading: until then everybody goes on as at the first

    def per_second(self) -> float:
        """Return the changes per second so far, the time of the readings left out."""
        return self.changes / (time.monotonic() - self._began - self._paused_s)

    async def passed(self) -> None:
        """Count one more term."""
        if self.is_over:
            return
        self.changes += 1
        if self.changes in (self._first, self._last):
            paused = time.monotonic()
            self.readings.append(await Reading.settled())
            self._paused_s += time.monotonic() - paused
        self.is_over = self.changes == self._last
