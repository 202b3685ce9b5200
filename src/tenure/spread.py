"""Spread: how wide campaign starts are scattered, learned from contention.

With few contenders waiting costs more than a collision; with hundreds, collisions cost everything. Nobody
knows their number, but each can measure: a contest that was lost took as long as the store needed to
serve all who took part, and a wide scatter that leaves the record free for long is too wide.
"""

from __future__ import annotations

__all__ = ["Spread"]

_WIDEST_S = 0.5
_NARROWEST_S = 0.002  # below the time of one write nothing is gained
_WIDENING = 2.0
_NARROWING = 0.7
_IDLE_SHARE = 0.25  # of few contenders, the earliest comes later than this share of the width


class Spread:
    """The width of the random delay before a campaign, in seconds; 0 until contention is met."""

    def __init__(self) -> None:
        self.width = 0.0

    def contended(self, lasted_s: float) -> None:
        """Learn from a contest that was lost `lasted_s` after one's own first request in it."""
        self.width = min(_WIDEST_S, max(self.width, lasted_s * _WIDENING))

    def uncontended(self, free_s: float) -> None:
        """Learn from a record that was seen free for `free_s` before anybody took it."""
        if free_s > self.width * _IDLE_SHARE:
            narrower = self.width * _NARROWING
            self.width = narrower if narrower >= _NARROWEST_S else 0.0
