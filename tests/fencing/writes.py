"""Writes: what a resource accepted, in its own order, and what must never be in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Write", "violations"]


class Write(NamedTuple):
    """One accepted write.

    Attributes:
        token: of the term that wrote.
        name: unique to this write.
    """

    token: int
    name: str

    def __str__(self) -> str:
        return f"{self.token}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Write:
        """Read what `str` wrote."""
        token, _, name = text.partition(":")
        return cls(int(token), name)


def violations(history: Sequence[Write], acknowledged: Iterable[Write]) -> list[str]:
    """Return what is wrong with a history; empty: nothing.

    Args:
        history: what the resource holds, oldest first.
        acknowledged: the writes that were answered with success; each must be there, once.
    """
    found = [
        f"{later} was accepted after {earlier}"
        for earlier, later in pairwise(history)
        if later.token < earlier.token
    ]
    times = Counter(history)
    found += [f"{write} is there {times[write]} times" for write in acknowledged if times[write] != 1]
    return found
