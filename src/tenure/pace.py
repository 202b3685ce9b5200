"""Pace: when the next request may go out, after one that failed.

Pure. A store in trouble is asked at most twice a second, and left alone as long as it wishes.
"""

from __future__ import annotations

import math

__all__ = ["Pace"]

_PERIOD_S = 0.55


class Pace:
    """The brake of one candidate.

    Args:
        retry_period: seconds; elections with shorter leases than usual try again sooner.

    Attributes:
        not_before: nothing is sent until then; boot time, seconds.
    """

    def __init__(self, retry_period: float) -> None:
        self._period = min(_PERIOD_S, retry_period)
        self.last_sent_at = -math.inf
        self.not_before = -math.inf

    def sent(self, now: float) -> None:
        """A request goes out."""
        self.last_sent_at = now

    def succeeded(self) -> None:
        """The store answered: the next request may follow at once."""
        self.not_before = -math.inf

    def failed(self, now: float, *, wait_s: float = 0.0) -> None:
        """It did not, or to no avail; `wait_s`: how long it wishes to be left alone, in seconds."""
        self.not_before = max(self.last_sent_at + self._period, now + wait_s)

    def hurry(self, until: float) -> None:
        """Wait no longer than `until`; boot time, seconds."""
        self.not_before = min(self.not_before, until)
