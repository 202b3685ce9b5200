"""Fields: client-go's election record as it stands in JSON, in a Lease's spec and in an annotation alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tenure.locks.codec import UndecodableError
from tenure.locks.times import parse_time
from tenure.record import Record

__all__ = ["decode_fields", "decode_text", "whole_seconds"]

_MAX_INT = 2**63 - 1  # of the Go type that client-go reads these numbers into


def decode_fields(fields: Mapping[str, Any], *, transitions: str, where: str) -> Record:
    """Return the record that the fields make up; any of them may be absent or null.

    Args:
        fields: by the names that client-go gives them.
        transitions: the one name in which the two forms differ.
        where: what goes before a field's name in an error, such as ``spec.``.

    Raises:
        UndecodableError: a field has another type, or a value out of range.
    """
    return Record(
        holder=decode_text(fields, "holderIdentity", where),
        lease_duration=_number(fields, "leaseDurationSeconds", where) or None,
        transitions=_number(fields, transitions, where),
        acquire_time=_time(fields, "acquireTime", where),
        renew_time=_time(fields, "renewTime", where),
    )


def decode_text(fields: Mapping[str, Any], name: str, where: str) -> str:
    """Return a field that is a string; empty if it is absent or null.

    Raises:
        UndecodableError: it is something else, or no valid Unicode.
    """
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UndecodableError(f"{where}{name} is {value!r:.40}, not a string")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise UndecodableError(f"{where}{name} is {value!r:.40}, not valid Unicode")
    return value


def whole_seconds(lease_duration: float | None) -> int:
    """Return what the integer field says: the ceiling, for no contender may wait for less, and never 0.

    Raises:
        ValueError: the duration is not a positive, finite number of seconds.
    """
    if lease_duration is None or not 0 < lease_duration < math.inf:
        raise ValueError(f"a record is written with a lease_duration in seconds, not with {lease_duration!r}")
    return math.ceil(lease_duration)


def _number(fields: Mapping[str, Any], name: str, where: str) -> int:
    value = fields.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_INT:
        raise UndecodableError(f"{where}{name} is {value!r:.40}, not an integer of at least 0")
    return value


def _time(fields: Mapping[str, Any], name: str, where: str) -> datetime | None:
    if fields.get(name) is None:
        return None
    text = decode_text(fields, name, where)
    try:
        return parse_time(text)
    except ValueError as error:
        raise UndecodableError(f"{where}{name} is {text!r:.40}, not an RFC 3339 time") from error
