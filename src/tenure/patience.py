"""Patience: how long to wait for one answer, apart from the election's budget.

Pure. Short while the store is quick, so that a dead connection is found early; longer after every timeout,
so that a store that has become slow is still served before the term is over.
"""

from __future__ import annotations

__all__ = ["Patience"]

_SHORTEST_S = 1.0
_GROWTH = 2.0
_ROOM = 4.0  # an answer may take this many times as long as the last one


class Patience:
    """The timeout of the next attempt.

    Args:
        budget: seconds within which a term must be renewed; an attempt gets half of it at most.
    """

    def __init__(self, budget: float) -> None:
        self._shortest = min(_SHORTEST_S, budget / 4)
        self._longest = budget / 2
        self.timeout = self._shortest

    def answered(self, took_s: float) -> None:
        """An answer came after `took_s` seconds."""
        self.timeout = min(self._longest, max(self._shortest, took_s * _ROOM))

    def ran_out(self) -> None:
        """None came in time."""
        self.timeout = min(self._longest, self.timeout * _GROWTH)
