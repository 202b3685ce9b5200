"""Decisions: bytes of a fuzzing engine as the random numbers that every generator here decides by.

One kind of generator serves all engines: hypothesis passes a `Random` of its own, the runner passes this one.
"""

from __future__ import annotations

import random
from typing import Self

__all__ = ["Decisions"]


class Decisions(random.Random):
    """Random numbers that are read from `data`, and zeros when it is used up: the simplest decisions.

    Args:
        data: what the engine mutates; a byte more or less changes few decisions.
    """

    def __new__(cls, data: bytes) -> Self:
        return super().__new__(cls, 0)

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        super().__init__(0)

    def getrandbits(self, k: int, /) -> int:
        """Return `k` bits, from whole bytes."""
        count = (k + 7) // 8
        piece = self._data[self._position : self._position + count]
        self._position += count
        return int.from_bytes(piece, "little") & ((1 << k) - 1)

    def random(self) -> float:
        """Return a number in [0, 1), from two bytes: none here needs more."""
        return self.getrandbits(16) / 65536
