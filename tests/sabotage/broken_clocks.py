"""Broken clocks: time that stops in suspend, bounds without the difference of two clocks (rules 1 and 2)."""

from __future__ import annotations

from tenure.testing.machine import MachineClock
from tenure.timing import Timing

__all__ = ["ClockStopsInSuspend", "HardLimitAtL", "TakeoverAtL"]


class ClockStopsInSuspend(MachineClock):
    """Local time stands still while the machine sleeps, as ``CLOCK_MONOTONIC`` does on Linux."""

    def suspend(self, now: float, seconds: float) -> None:
        self._shown_then, self._set_at = self.local(now), max(now, self._set_at) + seconds

    def local(self, now: float) -> float:
        return super().local(max(now, self._set_at))

    def skew(self, now: float, rate: float) -> None:
        super().skew(max(now, self._set_at), rate)


class TakeoverAtL(Timing):
    """A contender campaigns at o+L: nothing is added for clocks that run at different rates."""

    def takeover_delay(self, lease_duration: float) -> float:
        return lease_duration


class HardLimitAtL(Timing):
    """A body may run until s+L: nothing is taken off for clocks that run at different rates."""

    @property
    def overrun_limit(self) -> float:
        return self.lease_duration
