"""What a core asks its driver to send."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tenure.record import Attempt, Contender, Record, Versioned
from tenure.token import FencingToken

__all__ = ["NoteRequest", "Purpose", "ReadRequest", "Request", "WriteRequest", "record_to_write"]

# client-go frees a record with this duration.
_RELEASED_LEASE_S = 1.0


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


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteRequest:
    """Write a note into the record of another: nothing that its holder lives by changes.

    Attributes:
        base: what the compare-and-swap compares with.
        record: that of `base`, its attempt and times included, with the note in it.
        timeout: seconds after which the answer is of no use any more.
    """

    base: Versioned
    record: Record
    timeout: float


Request = ReadRequest | WriteRequest | NoteRequest


def record_to_write(
    purpose: Purpose,
    base: Versioned | None,
    attempt: Attempt,
    identity: str,
    lease_duration: float,
    token: FencingToken | None,
    *,
    contenders: tuple[Contender, ...] = (),
    heir: str = "",
) -> Record:
    """Return the record that a write stores; transitions and times go on as client-go counts them.

    Args:
        purpose: why it is written.
        base: what it replaces; None: it is created.
        attempt: names this write.
        identity: of this candidate.
        lease_duration: seconds.
        token: of the term, which its renewals publish (rule 9).
        contenders: the names that it carries on.
        heir: in a release, who is to take over first.
    """
    known = base.record if base is not None and isinstance(base.record, Record) else None
    transitions = known.transitions if known else 0
    if purpose is Purpose.RELEASE:
        return Record(
            holder="",
            lease_duration=_RELEASED_LEASE_S,
            transitions=transitions,
            attempt=attempt,
            hint=heir,
            contenders=contenders,
        )
    return Record(
        holder=identity,
        lease_duration=lease_duration,
        transitions=transitions + (known is not None and known.holder != identity),
        acquire_time=known.acquire_time if known and purpose is Purpose.RENEW else None,
        attempt=attempt,
        token=token,
        contenders=contenders,
    )
