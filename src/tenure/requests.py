"""What a core asks its driver to send."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tenure.record import Attempt, Record, Versioned

__all__ = ["Purpose", "ReadRequest", "Request", "WriteRequest"]


class Purpose(Enum):
    """Why a record is written."""

    ACQUIRE = "acquire"
    RENEW = "renew"
    RELEASE = "release"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadRequest:
    """Read the record, from the store and from no cache.

    Attributes:
        knowing: the highest version that was known when it was sent.
        timeout: seconds after which the answer is of no use any more.
    """

    knowing: int
    timeout: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteRequest:
    """Store a record: replace `base`, or create where `base` is None.

    Attributes:
        purpose: acquire, renew or release.
        base: what the compare-and-swap compares with.
        record: what to store; its attempt names this very write.
        attempt: that attempt.
        timeout: seconds after which the answer is of no use any more.
    """

    purpose: Purpose
    base: Versioned | None
    record: Record
    attempt: Attempt
    timeout: float


Request = ReadRequest | WriteRequest
