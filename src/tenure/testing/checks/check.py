"""Check: one sentence of the safety contract, judged from what truly happened."""

from __future__ import annotations

from collections.abc import Callable

from tenure.testing.chronicle import Chronicle
from tenure.testing.world import Observer

__all__ = ["ROUNDING_S", "Check", "Complain"]

# What sums of floating-point numbers differ by, in seconds.
ROUNDING_S = 1e-6

Complain = Callable[[str], None]


class Check(Observer):
    """One sentence.

    Args:
        chronicle: the facts; it is told of everything first.
        complain: is called with what broke the sentence: ``KIND: details``.
    """

    def __init__(self, chronicle: Chronicle, complain: Complain) -> None:
        self._chronicle = chronicle
        self._complain = complain
