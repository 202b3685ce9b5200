"""Delta debugging (Zeller 1999): as few of a row of things as still do what all of them did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["fewest"]

ItemT = TypeVar("ItemT")


def fewest(items: Sequence[ItemT], attempt: Callable[[list[ItemT]], list[ItemT] | None]) -> list[ItemT]:
    """Leave out as many as possible.

    Args:
        items: do it.
        attempt: returns what was needed of a part of them; None: that part does not do it.
    """
    kept = list(items)
    size = max(1, len(kept) // 2)
    while kept:
        shorter = _without_chunks(kept, size, attempt)
        if size == 1 and len(shorter) == len(kept):
            return kept
        size = size if len(shorter) < len(kept) else max(1, size // 2)
        kept = shorter
    return kept


def _without_chunks(
    items: list[ItemT], size: int, attempt: Callable[[list[ItemT]], list[ItemT] | None]
) -> list[ItemT]:
    at = 0
    while at < len(items):
        shorter = attempt(items[:at] + items[at + size :])
        if shorter is None:
            at += size
        else:
            items = shorter
    return items
