"""Packets: the datagrams of democracy.js 3.1.3, one compact JSON object each.

What comes in is forged until proven otherwise, and nothing proves it: decoding is strict, so that at least
nothing of the wrong type or size gets any further.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenure.errors import ConfigurationError

__all__ = [
    "LONGEST_NAME",
    "MOST_CHANNELS",
    "PRESENCES",
    "RESERVED",
    "Chunk",
    "Custom",
    "MalformedError",
    "Message",
    "Presence",
    "Vote",
    "checked_event",
    "decode",
    "decode_text",
    "encode_presence",
    "encode_vote",
]

LONGEST_NAME = 256
"""Characters of an identity, a channel or an address."""
MOST_CHANNELS = 64
"""Of one member; it is not told of more."""
PRESENCES = ("hello", "leader", "subscribe")
"""Events by which a member tells of itself."""
RESERVED = frozenset({*PRESENCES, "vote", "added", "removed", "elected", "resigned"})
"""What members tell each other, or only themselves; no event of an application has these names."""
_EXACT_INTEGERS = 2**53  # of a double


class MalformedError(Exception):
    """These bytes are no packet."""


@dataclass(frozen=True, kw_only=True)
class Presence:
    """What a member tells of itself; `event` is one of `PRESENCES`, `source` is where it says that it is."""

    event: str
    identity: str
    weight: float
    is_leader: bool
    channels: tuple[str, ...]
    source: str


@dataclass(frozen=True, kw_only=True)
class Vote:
    """`identity` has not heard of `candidate` for too long."""

    identity: str
    candidate: str


@dataclass(frozen=True, kw_only=True)
class Custom:
    """An event of the application; `data` is None where it carries nothing."""

    identity: str
    event: str
    data: Any


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Part `index` of `count` of the message `packet`."""

    packet: str
    index: int
    count: int
    text: str


Message = Presence | Vote | Custom


def decode(datagram: bytes) -> Message | Chunk:
    """Return what a datagram says.

    Raises:
        MalformedError: nothing.
    """
    try:
        text = datagram.decode()
    except UnicodeDecodeError as error:
        raise MalformedError from error
    found = _load(text)
    return _chunk(found) if found.get("chunk") and found.get("id") else _message(found)


def decode_text(text: str) -> Message:
    """Return what a message that came in chunks says.

    Raises:
        MalformedError: nothing; chunks within chunks are nothing, too.
    """
    return _message(_load(text))


def checked_event(name: str) -> str:
    """Return the name of an event of an application, or of a channel.

    Raises:
        ConfigurationError: none may have it.
    """
    # An event "error" ends every process of democracy.js that does not handle it.
    if name in RESERVED or name == "error" or not 0 < len(name) <= LONGEST_NAME:
        raise ConfigurationError(f"no event or channel may be named {name!r}: choose another name")
    return name


def encode_presence(
    event: str,
    *,
    identity: str,
    weight: float,
    is_leader: bool,
    channels: Sequence[str],
    source: str,
    data: object = None,
) -> str:
    """Write a `Presence`, or an event of the application, which has the same form and may carry data.

    Raises:
        ConfigurationError: `data` is not JSON.
    """
    exact = weight.is_integer() and abs(weight) < _EXACT_INTEGERS
    packet = {
        "event": event,
        "id": identity,
        "weight": int(weight) if exact else weight,
        "state": "leader" if is_leader else "citizen",
        "channels": list(channels),
        **({} if data is None else {"extra": data}),
        "source": source,
    }
    try:
        return _dump(packet)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"the data of event {event!r} cannot be sent as JSON: {error}") from error


def encode_vote(*, identity: str, candidate: str, source: str) -> str:
    """Write a `Vote`."""
    return _dump({"event": "vote", "id": identity, "candidate": candidate, "source": source})


def _dump(packet: dict[str, object]) -> str:
    text = json.dumps(packet, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Half a surrogate pair is no text; within a JSON string, this is its escape.
    return text.encode(errors="backslashreplace").decode()


def _load(text: str) -> dict[str, Any]:
    try:
        found = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError from error
    if not isinstance(found, dict):
        raise MalformedError
    return found


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _chunk(found: dict[str, Any]) -> Chunk:
    text, index, count = found["chunk"], found.get("i"), found.get("c")
    # `type` because True is an integer to `isinstance`.
    if not (isinstance(text, str) and type(index) is int and type(count) is int and 0 <= index < count):
        raise MalformedError
    return Chunk(packet=_name(found["id"]), index=index, count=count, text=text)


def _message(found: dict[str, Any]) -> Message:
    event, identity = found.get("event"), _name(found.get("id"))
    if not isinstance(event, str):
        raise MalformedError
    if event in PRESENCES:
        return _presence(event, identity, found)
    if event == "vote":
        return Vote(identity=identity, candidate=_name(found.get("candidate")))
    return Custom(identity=identity, event=event, data=found.get("extra"))


def _presence(event: str, identity: str, found: dict[str, Any]) -> Presence:
    state, channels = found.get("state"), found.get("channels", [])
    if state not in ("citizen", "leader") or not isinstance(channels, list):
        raise MalformedError
    return Presence(
        event=event,
        identity=identity,
        weight=_weight(found.get("weight")),
        is_leader=state == "leader",
        channels=tuple(_name(channel) for channel in channels[:MOST_CHANNELS]),
        source=_name(found.get("source")),
    )


def _weight(value: object) -> float:
    if type(value) not in (int, float):
        raise MalformedError
    try:
        weight = float(value)  # type: ignore[arg-type]
    except OverflowError as error:
        raise MalformedError from error
    if not math.isfinite(weight):  # 1e999
        raise MalformedError
    return weight


def _name(value: object) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= LONGEST_NAME):
        raise MalformedError
    return value
