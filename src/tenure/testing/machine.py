"""MachineClock: what the clock of one machine shows, apart from the true time of the simulation."""

from __future__ import annotations

import math

__all__ = ["MachineClock"]


class MachineClock:
    """``CLOCK_BOOTTIME`` of one machine: it has an offset and a rate of its own, and runs on through suspend.

    Args:
        offset: what it shows at the true time 0, in seconds.
        rate: its seconds per true second.
    """

    def __init__(self, *, offset: float = 0.0, rate: float = 1.0) -> None:
        self.rate = rate
        self._set_at = 0.0
        self._shown_then = offset

    def local(self, now: float) -> float:
        """Return what it shows at the true time `now`."""
        return self._shown_then + (now - self._set_at) * self.rate

    def true_time(self, local: float) -> float:
        """Return when it shows `local`, or the first instant after."""
        at = self._set_at + (local - self._shown_then) / self.rate
        while math.isfinite(at) and self.local(at) < local:
            at = math.nextafter(at, math.inf)
        return at

    def skew(self, now: float, rate: float) -> None:
        """Let it run at another rate from now on."""
        self._shown_then, self._set_at, self.rate = self.local(now), now, rate

    def suspend(self, now: float, seconds: float) -> None:
        """The machine sleeps from `now` for `seconds`: this clock goes on, others do not."""
