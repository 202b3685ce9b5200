"""Petition: asks the leader of an election, from outside, to hand over."""

from __future__ import annotations

from dataclasses import replace

from tenure.clock import boot_time
from tenure.errors import ConflictError, LockUnavailableError, NotLeaderError
from tenure.lock import LockSession
from tenure.record import Record, UnreadableRecord, Versioned

__all__ = ["petition"]


async def petition(session: LockSession, to: str, *, timeout: float) -> Versioned:
    """Write a request into the record of whoever leads; return the record that asks.

    The leader drains and releases as soon as its watch tells it; who has no watch, with its next renewal.

    Args:
        session: of the election's lock.
        to: identity of the candidate that is to lead next; empty: anybody but the present leader.
        timeout: seconds, for all attempts together.

    Raises:
        NotLeaderError: nobody leads, or a program leads that cannot be asked: it is none of tenure's.
        LockUnavailableError: no usable answer, or others wrote all the time.
        PermissionDeniedError: the store refuses; reading and writing the record is needed.
    """
    deadline = boot_time() + timeout
    while (left := deadline - boot_time()) > 0:
        seen = await session.read(timeout=left)
        record = _askable(seen)
        try:
            return await session.replace(seen, replace(record, request=to), timeout=left)
        except ConflictError:
            pass  # the leader has renewed meanwhile: it would not see a request for an older attempt
    raise LockUnavailableError("the record changed at every attempt to ask its leader")


def _askable(seen: Versioned) -> Record:
    record = seen.record
    if isinstance(record, UnreadableRecord):
        raise NotLeaderError(f"nobody can be asked to hand over: {record.reason}")
    if record is None or not record.holder:
        raise NotLeaderError("nobody leads, so that nobody can be asked to hand over")
    if record.attempt is None:
        raise NotLeaderError(
            f"{record.holder!r} cannot be asked to hand over: it is no candidate of tenure's; end it instead"
        )
    return record
