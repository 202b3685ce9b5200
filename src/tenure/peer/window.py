"""Window: which of the latest sequence numbers have been seen, so that none counts twice."""

from __future__ import annotations

__all__ = ["WINDOW", "Window"]

WINDOW = 1024
"""How far a datagram may be behind the newest of its sender; one that is farther is taken for a replay."""

_ALL = (1 << WINDOW) - 1


class Window:
    """A sliding window over rising numbers, as IPsec has it (RFC 4303, section 3.4.3)."""

    __slots__ = ("_highest", "_seen")

    def __init__(self) -> None:
        self._highest = -1
        self._seen = 0  # bit n: the number n below the highest

    def take(self, number: int) -> bool:
        """Mark a number as seen; False: it was seen before, or is too old to tell."""
        ahead = number - self._highest
        if ahead > 0:
            # Never shifted by what others say: a number far ahead would make an integer of that many bits.
            self._seen = (self._seen << ahead) & _ALL | 1 if ahead < WINDOW else 1
            self._highest = number
            return True
        if ahead <= -WINDOW or self._seen >> -ahead & 1:
            return False
        self._seen |= 1 << -ahead
        return True
