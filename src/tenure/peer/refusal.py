"""Refusal: why a datagram is not listened to."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Refusal", "RefusedError"]


class Refusal(StrEnum):
    """Why a datagram is not listened to, in the order in which it is looked for."""

    OVERSIZED = "oversized"
    TRUNCATED = "truncated"
    FOREIGN = "foreign"
    WRONG_VERSION = "wrong_version"
    WRONG_CLUSTER = "wrong_cluster"
    RATE_LIMITED = "rate_limited"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
    MALFORMED = "malformed"
    OWN = "own"
    OUTDATED = "outdated"
    REPLAYED = "replayed"


class RefusedError(Exception):
    """A datagram is not listened to; it never leaves `tenure.peer.gate`.

    Args:
        refusal: the reason that is counted.
        detail: more about it, for people.
    """

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(f"{refusal}: {detail}" if detail else str(refusal))
        self.refusal = refusal
