"""Histories of a fenced log: what many writers of several terms have done, and whether it may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.fencing.arena import Entry

__all__ = ["History", "complaints"]


@dataclass
class History:
    """What the writers were told.

    Attributes:
        acknowledged: the texts of writes that succeeded, by token.
        refused: how many writers of a token were refused.
    """

    acknowledged: dict[int, list[str]] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)


def complaints(log: Sequence[Entry], told: History) -> list[str]:
    """Return what is wrong with a log: terms out of order, writes lost, doubled or made up, late commits."""
    found = []
    highest = 0
    for entry in log:
        if entry.token < highest:
            found.append(f"{entry.text} of {entry.token} comes after a write of {highest}")
        highest = max(highest, entry.token)
        older = sum(other.token < entry.token for other in log)
        if entry.older is not None and entry.older != older:
            found.append(f"{entry.text} saw {entry.older} older writes, and now there are {older}")
    for token in {entry.token for entry in log} | set(told.acknowledged):
        written = Counter(entry.text for entry in log if entry.token == token)
        if written != Counter(told.acknowledged.get(token, [])):
            found.append(f"the log and what the writers of {token} were told differ")
    if told.refused[highest]:
        found.append(f"writers of the newest term {highest} were refused")
    return found
