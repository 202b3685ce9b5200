"""Marks: the annotations by which tenure tells its own writes from those of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tenure.locks.notes import read_notes, write_notes
from tenure.record import Attempt, Record
from tenure.token import FencingToken

__all__ = ["read_marks", "write_marks"]

_ATTEMPT = "tenure.dev/attempt"
_LEASE_DURATION = "tenure.dev/lease-duration"
_TOKEN = "tenure.dev/token"
_TOO_LONG = 2.0**63  # for the integer field that says the same in whole seconds


def write_marks(record: Record, renew_time: str | None, annotations: dict[str, Any]) -> None:
    """Mark an object as written by the record's attempt; without an attempt, remove the marks.

    Args:
        record: what is written.
        renew_time: the record's ``renewTime`` exactly as the object stores it.
        annotations: of the object; changed in place.
    """
    for key in (_ATTEMPT, _LEASE_DURATION, _TOKEN):
        annotations.pop(key, None)
    write_notes(record, annotations)
    if record.attempt is None:
        return
    annotations[_ATTEMPT] = f"{record.attempt}@{renew_time}"
    if record.lease_duration is not None:
        annotations[_LEASE_DURATION] = repr(float(record.lease_duration)).removesuffix(".0")
    if record.token is not None:
        annotations[_TOKEN] = str(record.token)


def read_marks(record: Record, renew_time: str | None, annotations: Mapping[str, Any]) -> Record:
    """Return the record with what the marks add to it, if they speak of this very write (DESIGN rule 5).

    They do not if another candidate wrote over the record and kept our annotations, as client-go does. A
    mark that cannot be read does not count either: it is a supplement, the record is whole without it.

    Args:
        record: as decoded from the object's own fields.
        renew_time: its ``renewTime`` exactly as the object stores it; None: it has none.
        annotations: of the object.
    """
    attempt_text, _, marked_time = _text(annotations, _ATTEMPT).rpartition("@")
    if renew_time is None or marked_time != renew_time:
        return record
    try:
        attempt = Attempt.parse(attempt_text)
    except ValueError:
        return record
    marked = replace(
        record,
        attempt=attempt,
        lease_duration=_parse_duration(_text(annotations, _LEASE_DURATION)) or record.lease_duration,
        token=_parse_token(_text(annotations, _TOKEN)),
    )
    return read_notes(marked, annotations)


def _text(annotations: Mapping[str, Any], key: str) -> str:
    text = annotations.get(key)
    return text if isinstance(text, str) else ""


def _parse_duration(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 < seconds < _TOO_LONG else None


def _parse_token(text: str) -> FencingToken | None:
    try:
        return FencingToken.parse(text)
    except ValueError:
        return None
