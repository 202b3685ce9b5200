"""Wire: one datagram holds one message, sealed with HMAC-SHA-256; docs/peer-wire.md has it byte by byte.

Pure. Reading is in two steps, so that whoever reads can refuse to go on: `read_header` looks at what every
datagram begins with, and costs nearly nothing; `decode` checks the seal, and interprets the rest only then.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import NamedTuple

from tenure.handover import HIGHEST_PRIORITY
from tenure.peer.keys import KEY_ID_BYTES, Keys
from tenure.peer.layout import (
    BALLOT,
    INCARNATION,
    INCARNATION_BYTES,
    NAME,
    NAMES,
    OPTIONAL_NAME,
    SECONDS,
    TOKEN,
    U32,
    U64,
    Kind,
)
from tenure.peer.messages import (
    Accept,
    Body,
    Bye,
    Envelope,
    Held,
    Leading,
    Nack,
    Ping,
    Pong,
    Prepare,
    Promise,
    Propose,
    Release,
    Released,
    Request,
    Vacant,
)
from tenure.peer.refusal import Refusal, RefusedError

__all__ = [
    "GREETING",
    "LARGEST",
    "LAYOUTS",
    "MAGIC",
    "NOBODY",
    "SMALLEST",
    "VERSION",
    "Header",
    "Layout",
    "Route",
    "cluster_of",
    "decode",
    "encode",
    "encode_greeting",
    "read_header",
]

MAGIC = b"TNUR"
VERSION = 1
LARGEST = 1200
"""Bytes: passes every network in one piece, so that nothing is to be put together."""
NOBODY = bytes(INCARNATION_BYTES)
"""The receiver, while its incarnation is not known."""
GREETING = 0
"""The type of a datagram without a message, from one gate to another."""

_CLUSTER_BYTES = 8
_SEAL_BYTES = hashlib.sha256().digest_size
_HEADER = struct.Struct(
    f">{len(MAGIC)}sBB{_CLUSTER_BYTES}s{KEY_ID_BYTES}s{INCARNATION_BYTES}s{INCARNATION_BYTES}sIQ"
)
# Told with every message, before the sender's name: epoch, highest round, priority, flags.
_COMMON = struct.Struct(">QQHB")
_ELIGIBLE = 1

SMALLEST = _HEADER.size + _SEAL_BYTES
"""Bytes of a greeting."""


class Layout(NamedTuple):
    """How a body stands in a datagram.

    Attributes:
        code: of its type.
        body: its class.
        fields: name and kind of each of its fields, in their order.
    """

    code: int
    body: type[Body]
    fields: tuple[tuple[str, Kind], ...]


def _layout(code: int, body: type[Body], /, **fields: Kind) -> Layout:
    return Layout(code, body, tuple(fields.items()))


LAYOUTS = (
    _layout(1, Ping, number=U64, voters=U32, missed=NAMES),
    _layout(2, Pong, number=U64),
    _layout(3, Prepare, ballot=BALLOT),
    _layout(4, Promise, ballot=BALLOT),
    _layout(5, Held, ballot=BALLOT, remaining=SECONDS),
    _layout(6, Nack, ballot=BALLOT, round=U64),
    _layout(7, Propose, ballot=BALLOT, lease=SECONDS, incarnation=INCARNATION),
    _layout(8, Accept, ballot=BALLOT),
    _layout(9, Release, ballot=BALLOT),
    _layout(10, Released, ballot=BALLOT),
    _layout(11, Leading, token=TOKEN, remaining=SECONDS),
    _layout(12, Vacant, heir=OPTIONAL_NAME),
    _layout(13, Request),
    _layout(14, Bye),
)
"""Every body; a change here is a new `VERSION`."""

_BY_CODE = {layout.code: layout for layout in LAYOUTS}
_BY_BODY = {layout.body: layout for layout in LAYOUTS}


class Route(NamedTuple):
    """For whom a datagram is, and which of the sender's it is.

    Attributes:
        receiver: its incarnation; `NOBODY`: not known.
        session: that the receiver has offered; in a greeting, that the sender offers.
        sequence: rises with every datagram of the sender; in a greeting, that of the datagram it answers.
    """

    receiver: bytes
    session: int
    sequence: int


class Header(NamedTuple):
    """What every datagram begins with; nothing of it can be trusted before `decode` has returned.

    Attributes:
        code: of the body's type, or `GREETING`.
        key_id: of the key that sealed it.
        incarnation: of the sender.
        route: for whom it is.
    """

    code: int
    key_id: bytes
    incarnation: bytes
    route: Route


def cluster_of(election: str) -> bytes:
    """Return what stands for an election, ``NAMESPACE/NAME``, in its datagrams."""
    return hashlib.sha256(election.encode()).digest()[:_CLUSTER_BYTES]


def encode(envelope: Envelope, route: Route, cluster: bytes, keys: Keys) -> bytes:
    """Return the datagram that holds a message.

    Args:
        envelope: the message.
        route: for whom it is.
        cluster: of the election, by `cluster_of`.
        keys: the first of them seals.

    Raises:
        ValueError: a value has no place in a datagram; the message names it.
    """
    if not 0 <= envelope.priority <= HIGHEST_PRIORITY:
        raise ValueError(f"priority cannot be sent: {envelope.priority!r}")
    layout = _BY_BODY[type(envelope.body)]
    flags = _ELIGIBLE if envelope.eligible else 0
    try:
        common = _COMMON.pack(envelope.epoch, envelope.highest, envelope.priority, flags)
    except struct.error as error:
        raise ValueError(f"epoch {envelope.epoch} or round {envelope.highest} cannot be sent") from error
    pieces = [common, _put("sender", NAME, envelope.sender)]
    pieces += [_put(name, kind, getattr(envelope.body, name)) for name, kind in layout.fields]
    return _seal(layout.code, envelope.incarnation, route, cluster, keys, b"".join(pieces))


def encode_greeting(incarnation: bytes, route: Route, cluster: bytes, keys: Keys) -> bytes:
    """Return a greeting, which tells a sender how to address this incarnation."""
    return _seal(GREETING, incarnation, route, cluster, keys, b"")


def read_header(data: bytes, cluster: bytes) -> Header:
    """Read what a datagram begins with.

    Args:
        data: the datagram.
        cluster: of the election that is listened to.

    Raises:
        RefusedError: it is none of this election.
    """
    if len(data) > LARGEST:
        raise RefusedError(Refusal.OVERSIZED, f"{len(data)} bytes")
    if len(data) < SMALLEST:
        raise RefusedError(Refusal.TRUNCATED, f"{len(data)} bytes")
    magic, version, code, of_cluster, key_id, incarnation, *route = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise RefusedError(Refusal.FOREIGN)
    if version != VERSION:
        raise RefusedError(Refusal.WRONG_VERSION, f"version {version}")
    if of_cluster != cluster:
        raise RefusedError(Refusal.WRONG_CLUSTER)
    return Header(code, key_id, incarnation, Route(*route))


def decode(data: bytes, header: Header, keys: Keys) -> Envelope | None:
    """Check the seal, and read the message.

    Args:
        data: the datagram.
        header: as `read_header` has returned it.
        keys: any of them may have sealed it.

    Returns:
        the message; None: it is a greeting, and the header tells all.

    Raises:
        RefusedError: the seal is not ours, or what it seals is no message.
    """
    secret = keys.find(header.key_id)
    if secret is None:
        raise RefusedError(Refusal.UNKNOWN_KEY, f"key {header.key_id.hex()}")
    content, seal = data[:-_SEAL_BYTES], data[-_SEAL_BYTES:]
    if not hmac.compare_digest(hmac.digest(secret, content, "sha256"), seal):
        raise RefusedError(Refusal.FORGED)
    if header.code == GREETING:
        _end(content, _HEADER.size)
        return None
    return _envelope(content, header)


def _envelope(content: bytes, header: Header) -> Envelope:
    layout = _BY_CODE.get(header.code)
    if layout is None:
        raise RefusedError(Refusal.MALFORMED, f"type {header.code}")
    position = _HEADER.size + _COMMON.size
    if len(content) < position:
        raise RefusedError(Refusal.MALFORMED, "ends before the sender's name")
    epoch, highest, priority, flags = _COMMON.unpack_from(content, _HEADER.size)
    if priority > HIGHEST_PRIORITY:
        raise RefusedError(Refusal.MALFORMED, f"priority {priority}")
    if flags & ~_ELIGIBLE:
        raise RefusedError(Refusal.MALFORMED, f"flags {flags:#04x}")
    sender, position = NAME.take(content, position)
    values = []
    for _, kind in layout.fields:
        value, position = kind.take(content, position)
        values.append(value)
    _end(content, position)
    return Envelope(
        sender=sender,
        incarnation=header.incarnation,
        epoch=epoch,
        highest=highest,
        priority=priority,
        eligible=bool(flags),
        body=layout.body(*values),
    )


def _end(content: bytes, position: int) -> None:
    if position != len(content):
        raise RefusedError(Refusal.MALFORMED, f"{len(content) - position} bytes after the body")


def _put(name: str, kind: Kind, value: object) -> bytes:
    try:
        return kind.put(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name} cannot be sent: {value!r} ({error})") from error


def _seal(code: int, incarnation: bytes, route: Route, cluster: bytes, keys: Keys, content: bytes) -> bytes:
    key = keys.signing
    header = _HEADER.pack(
        MAGIC, VERSION, code, cluster, key.id, _put("incarnation", INCARNATION, incarnation), *route
    )
    return header + content + hmac.digest(key.secret, header + content, "sha256")
