"""Layout: how single values stand in a datagram, and how strictly they are read back.

Every value has exactly one form, and no other form is accepted: so a datagram that was accepted is, byte for
byte, the one that its content is written as. Numbers are unsigned, the highest byte first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tenure.peer.ballot import Ballot
from tenure.peer.refusal import Refusal, RefusedError

__all__ = [
    "BALLOT",
    "INCARNATION",
    "INCARNATION_BYTES",
    "LONGEST_NAME",
    "MOST_NAMES",
    "NAME",
    "NAMES",
    "OPTIONAL_NAME",
    "SECONDS",
    "TOKEN",
    "U32",
    "U64",
    "Kind",
]

INCARNATION_BYTES = 16
LONGEST_NAME = 253
"""Bytes of UTF-8: as long as the name of a Pod may be."""
MOST_NAMES = 3
"""In one list: with the longest names it still fits into a datagram."""

_MICROSECONDS = 1_000_000
_ROUND_BYTES = 8


class Kind(NamedTuple):
    """One kind of value.

    Attributes:
        name: of the kind, as docs/peer-wire.md calls it.
        put: returns the bytes of a value; raises ValueError or OverflowError for one that has none.
        take: returns the value at a position, and the position after it; raises `RefusedError`.
    """

    name: str
    put: Callable[[Any], bytes]
    take: Callable[[bytes, int], tuple[Any, int]]


def _piece(data: bytes, start: int, end: int) -> bytes:
    if end > len(data):
        raise RefusedError(Refusal.MALFORMED, "ends within a field")
    return data[start:end]


def _integer(name: str, size: int) -> Kind:
    def put(value: int) -> bytes:
        return value.to_bytes(size, "big")

    def take(data: bytes, start: int) -> tuple[int, int]:
        return int.from_bytes(_piece(data, start, start + size), "big"), start + size

    return Kind(name, put, take)


U32 = _integer("u32", 4)
U64 = _integer("u64", 8)
TOKEN = _integer("token", 16)

# 48 bits hold nine years, and every such number of microseconds is exact as a float.
_U48 = _integer("u48", 6)


def _put_seconds(value: float) -> bytes:
    return _U48.put(round(value * _MICROSECONDS))


def _take_seconds(data: bytes, start: int) -> tuple[float, int]:
    microseconds, end = _U48.take(data, start)
    return microseconds / _MICROSECONDS, end


SECONDS = Kind("seconds", _put_seconds, _take_seconds)


def _put_incarnation(value: bytes) -> bytes:
    if len(value) != INCARNATION_BYTES:
        raise ValueError(f"an incarnation has {INCARNATION_BYTES} bytes, not {len(value)}")
    return value


def _take_incarnation(data: bytes, start: int) -> tuple[bytes, int]:
    end = start + INCARNATION_BYTES
    return _piece(data, start, end), end


INCARNATION = Kind("incarnation", _put_incarnation, _take_incarnation)


def _put_ballot(value: Ballot) -> bytes:
    return U64.put(value.round) + _put_incarnation(value.proposer)


def _take_ballot(data: bytes, start: int) -> tuple[Ballot, int]:
    middle, end = start + _ROUND_BYTES, start + _ROUND_BYTES + INCARNATION_BYTES
    piece = _piece(data, start, end)
    return Ballot(int.from_bytes(piece[:_ROUND_BYTES], "big"), data[middle:end]), end


BALLOT = Kind("ballot", _put_ballot, _take_ballot)


def _put_text(value: str) -> bytes:
    text = value.encode()
    if len(text) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} bytes, not {len(text)}")
    return bytes((len(text),)) + text


def _take_text(data: bytes, start: int) -> tuple[str, int]:
    length = _piece(data, start, start + 1)[0]
    if length > LONGEST_NAME:
        raise RefusedError(Refusal.MALFORMED, f"a name of {length} bytes")
    start += 1
    try:
        return _piece(data, start, start + length).decode(), start + length
    except UnicodeDecodeError:
        raise RefusedError(Refusal.MALFORMED, "a name that is not UTF-8") from None


OPTIONAL_NAME = Kind("name or none", _put_text, _take_text)


def _put_name(value: str) -> bytes:
    if not value:
        raise ValueError("a name has at least one byte")
    return _put_text(value)


def _take_name(data: bytes, start: int) -> tuple[str, int]:
    name, end = _take_text(data, start)
    if not name:
        raise RefusedError(Refusal.MALFORMED, "an empty name")
    return name, end


NAME = Kind("name", _put_name, _take_name)


def _put_names(value: tuple[str, ...]) -> bytes:
    if len(value) > MOST_NAMES:
        raise ValueError(f"at most {MOST_NAMES} names can be sent, not {len(value)}")
    return bytes((len(value),)) + b"".join(map(_put_name, value))


def _take_names(data: bytes, start: int) -> tuple[tuple[str, ...], int]:
    count = _piece(data, start, start + 1)[0]
    if count > MOST_NAMES:
        raise RefusedError(Refusal.MALFORMED, f"a list of {count} names")
    names, start = [], start + 1
    for _ in range(count):
        name, start = _take_name(data, start)
        names.append(name)
    return tuple(names), start


NAMES = Kind("names", _put_names, _take_names)
