"""Spread: how wide campaign starts are scattered, learned from contention.

With few contenders waiting costs more than a collision; with hundreds, collisions cost everything. Nobody
knows their number, but each can measure: a contest that was lost took as long as the store needed to
serve all who took part, and a wide scatter that leaves the record free for long is too wide.
"""

from __future__ import annotations

__all__ = ["Spread"]

_WIDEST_S = 0.5
_NARROWEST_S = 0.002  # below the time of one write nothing is gained
_WIDENING = 4.0
_NARROWING_AFTER_A_WIN = 0.5
_NARROWING_AFTER_A_SIGHT = 0.9
_IDLE_SHARE = 1 / 3  # the earliest of two comes at a third of the width, on average; of many far sooner


class Spread:
    """The width of the random delay before a campaign, in seconds; 0 until contention is met.

    It widens fast, because who does not know the crowd yet starts in the middle of it, and narrows slowly.
    """

    def __init__(self) -> None:
        self.width = 0.0

    def contended(self, lasted_s: float) -> None:
        """Learn from a contest that was lost `lasted_s` after one's own first request in it."""
        self.width = min(_WIDEST_S, max(self.width, lasted_s) * _WIDENING)

    def won(self, waited_s: float) -> None:
        """Learn from a contest that was won after a delay of `waited_s`: one's own, so it tells much."""
        self._narrow(waited_s, _NARROWING_AFTER_A_WIN)

    def seen(self, free_s: float) -> None:
        """Learn from a record that was free for `free_s` before somebody else took it."""
        self._narrow(free_s, _NARROWING_AFTER_A_SIGHT)

    def _narrow(self, idle_s: float, factor: float) -> None:
        if idle_s > self.width * _IDLE_SHARE:
            narrower = self.width * factor
            self.width = narrower if narrower >= _NARROWEST_S else 0.0
