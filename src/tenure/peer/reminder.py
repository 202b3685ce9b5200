"""Reminder: when what was not answered is sent again: at growing intervals, since nobody may be there.

Pure.
"""

from __future__ import annotations

import math

__all__ = ["Reminder"]


class Reminder:
    """One row of repeats.

    Args:
        first_s: seconds until the first of them; each of the others comes after twice as long.

    Attributes:
        at: when the next one is due; boot time, seconds.
    """

    def __init__(self, first_s: float) -> None:
        self._first_s = self._interval_s = first_s
        self.at = math.inf

    def start(self, now: float) -> None:
        """Something is sent for the first time."""
        self._interval_s = self._first_s
        self.at = now + self._interval_s

    def is_due(self, now: float) -> bool:
        """Tell whether it is to be sent again now; if so, the next time is later."""
        if now < self.at:
            return False
        self._interval_s *= 2
        self.at = now + self._interval_s
        return True
