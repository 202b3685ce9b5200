"""Lines: what an error message must be."""

from __future__ import annotations

__all__ = ["check_line"]

_LONGEST = 2000


def check_line(reason: str) -> None:
    """Tell whether a reason can stand in one line of a log.

    Raises:
        AssertionError: it cannot.
    """
    assert 0 < len(reason) < _LONGEST, f"a reason that no line can hold: {reason}"
    assert reason.isprintable(), ascii(reason)
