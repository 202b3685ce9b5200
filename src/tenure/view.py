"""View: who leads, as somebody knows it who can only see the record."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tenure.record import Record, UnreadableRecord, Versioned
from tenure.token import FencingToken

__all__ = ["View", "trouble_with", "view_of"]


class View(NamedTuple):
    """What is known of the leader; the fields are those of `tenure.events.LeaderChanged`."""

    leader: str | None
    is_self: bool = False
    token: FencingToken | None = None
    reason: str = ""


def view_of(
    newest: Versioned | None, stale_at: float, now: float, *, election: str = "", own_name: str = ""
) -> View:
    """Return the view of an onlooker at `now`: better unknown than an old name.

    Args:
        newest: the newest fact known about the record.
        stale_at: when that runs out; boot time, seconds.
        now: boot time, seconds.
        election: that the token belongs to; the record does not tell.
        own_name: identity of the candidate that looks; another process may hold the record under it.
    """
    if newest is None:
        return View(None, reason="the record has not been read yet")
    record = newest.record
    if record is None:
        return View("")
    if isinstance(record, UnreadableRecord):
        return View(None, reason=record.reason)
    if not record.holder:
        return View("")
    if now >= stale_at:
        return View(None, reason="the last record that was seen has run out")
    if record.holder == own_name:
        return View(None, reason="another process holds the record under this identity")
    token = record.token and replace(record.token, election=election, uid=newest.uid)
    return View(record.holder, token=token)


def trouble_with(newest: Versioned | None, *, own_name: str, own_lease: float) -> str:
    """Return what a person should know of a record that this candidate did not write; empty: nothing.

    Args:
        newest: the newest fact known about the record.
        own_name: identity of this candidate.
        own_lease: its lease duration, in seconds, which stands in where the record has none.
    """
    record = newest.record if newest is not None else None
    if isinstance(record, UnreadableRecord):
        return record.reason
    if not isinstance(record, Record) or not record.holder:
        return ""
    if record.holder == own_name:
        return f"another process, or an earlier run of this one, holds the record as {own_name!r}"
    if record.lease_duration is None:
        return f"the record of {record.holder!r} has no duration; {own_lease:g} s are taken for it"
    return ""
