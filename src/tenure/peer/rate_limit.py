"""RateLimit: how many datagrams of a host are looked at, so that a flood costs little.

Token buckets. A host has one of its own once something of it was authentic and new; all others share one. So
nothing that can be forged takes memory, and a flood under many addresses leaves those alone that are known.
"""

from __future__ import annotations

from tenure.peer.recent import Recent

__all__ = ["BURST", "MOST_HOSTS", "RATE", "RateLimit"]

RATE = 500.0
"""Datagrams a second: far more than a hundred members on one host have to say to one of them."""
BURST = 1000.0
"""Datagrams at once: a hundred members may start together."""
MOST_HOSTS = 1024


class RateLimit:
    """The buckets of all hosts."""

    def __init__(self) -> None:
        self._known: Recent[str, _Bucket] = Recent(MOST_HOSTS)
        self._strangers = _Bucket()

    def take(self, host: str, now: float) -> bool:
        """Tell whether one more datagram of a host is to be looked at now (boot time, seconds)."""
        return (self._known.get(host) or self._strangers).take(now)

    def know(self, host: str) -> None:
        """Give a host a bucket of its own."""
        if self._known.get(host) is None:
            self._known.put(host, _Bucket())


class _Bucket:
    __slots__ = ("_at", "_tokens")

    def __init__(self) -> None:
        self._at = 0.0
        self._tokens = BURST

    def take(self, now: float) -> bool:
        self._tokens = min(BURST, self._tokens + (now - self._at) * RATE)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
