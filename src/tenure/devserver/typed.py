"""Values as Go's typed decoder reads them: the right types, or its error."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

__all__ = [
    "Reader",
    "as_is",
    "read_int32",
    "read_micro_time",
    "read_string",
    "read_strings",
    "read_struct",
    "read_time",
]

Reader = Callable[[object, str], object]
"""Reads a value at a path such as ``LeaseSpec.spec.renewTime``. Raises ValueError."""

_JSON_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_TIME = "2006-01-02T15:04:05Z07:00"
_MICRO_TIME = "2006-01-02T15:04:05.000000Z07:00"
"""The layout of a MicroTime in Go's notation: exactly six fractional digits."""
_PARTS = (
    *((r"\d{4}", "2006"), ("-", "-"), (r"\d\d", "01"), ("-", "-"), (r"\d\d", "02"), ("T", "T")),
    *((r"\d\d", "15"), (":", ":"), (r"\d\d", "04"), (":", ":"), (r"\d\d", "05")),
)
_FRACTION = (r"\.\d{6}", ".000000")
_ZONE = (r"Z|[+-]\d\d:\d\d", "Z07:00")
_RANGES = (("month", 5, 1, 12), ("hour", 11, 0, 23), ("minute", 14, 0, 59), ("second", 17, 0, 59))


def _mistyped(given: str, path: str, wanted: str) -> ValueError:
    return ValueError(f"json: cannot unmarshal {given} into Go struct field {path} of type {wanted}")


def as_is(value: object, path: str) -> object:
    """Anything."""
    return value


def read_string(value: object, path: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise _mistyped(_JSON_NAMES[type(value)], path, "string")
    return value


def read_int32(value: object, path: str) -> int:
    """A whole number of 32 bits."""
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    raise _mistyped(f"number {value}" if is_number else _JSON_NAMES[type(value)], path, "int32")


def read_strings(value: object, path: str) -> dict[str, str]:
    """A map of strings; a null in it is an empty one."""
    if not isinstance(value, dict):
        raise _mistyped(_JSON_NAMES[type(value)], path, "map[string]string")
    return {key: "" if item is None else read_string(item, path) for key, item in value.items()}


def read_struct(value: object, path: str, type_name: str, readers: dict[str, Reader]) -> dict[str, object]:
    """The fields that are known and not null; the others are dropped.

    Args:
        value: what was sent.
        path: the field that holds it, such as ``Lease.spec``.
        type_name: its type in Go.
        readers: by the names of the fields.
    """
    if not isinstance(value, dict):
        raise _mistyped(_JSON_NAMES[type(value)], path, f"v1.{type_name}")
    field = path.partition(".")[2]
    known = ((key, item) for key, item in value.items() if key in readers and item is not None)
    return {key: readers[key](item, f"{type_name}.{field}.{key}") for key, item in known}


def read_time(value: object, path: str) -> str:
    """A Time: whole seconds, in UTC as the server stores it."""
    moment = _moment(read_string(value, path), _TIME, (*_PARTS, _ZONE))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def read_micro_time(value: object, path: str) -> str:
    """A MicroTime, in UTC as the server stores it."""
    moment = _moment(read_string(value, path), _MICRO_TIME, (*_PARTS, _FRACTION, _ZONE))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def _moment(text: str, layout: str, parts: tuple[tuple[str, str], ...]) -> datetime:
    rest = text
    for pattern, name in parts:
        match = re.match(pattern, rest, re.ASCII)
        if match is None:
            raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "{name}"')
        rest = rest[match.end() :]
    if rest:
        raise ValueError(f'parsing time "{text}": extra text: "{rest}"')
    for name, position, lowest, highest in _RANGES:
        if not lowest <= int(text[position : position + 2]) <= highest:
            raise ValueError(f'parsing time "{text}": {name} out of range')
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or in UTC none of these ten thousand years
        raise ValueError(f'parsing time "{text}": day out of range') from None
