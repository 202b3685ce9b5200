"""Vectors: datagrams as JSON, for whoever writes another implementation.

``python -m tests.peer.vectors`` writes docs/peer-wire-vectors.json anew; a difference is a new version.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tenure.peer.ballot import Ballot
from tenure.peer.layout import MOST_NAMES
from tenure.peer.messages import Envelope, Leading, Ping
from tenure.peer.refusal import Refusal
from tenure.peer.wire import (
    LARGEST,
    LAYOUTS,
    NOBODY,
    VERSION,
    Route,
    cluster_of,
    encode,
    encode_greeting,
)
from tests.peer.samples import BODIES, ELECTION, KEYS, RECEIVER, SENDER, envelope

__all__ = ["PATH", "message_of", "reseal", "route_of"]

PATH = Path(__file__).parents[2] / "docs" / "peer-wire-vectors.json"

_CLUSTER = cluster_of(ELECTION)
_SEAL = 32


def reseal(content: bytes, secret: bytes = KEYS.signing.secret) -> bytes:
    """Return a datagram with this content and its proper seal."""
    return content + hmac.digest(secret, content, "sha256")


def _route_as_json(route: Route) -> dict[str, Any]:
    return {"receiver": route.receiver.hex(), "session": route.session, "sequence": str(route.sequence)}


def route_of(given: dict[str, Any]) -> Route:
    """Return the route that JSON describes."""
    return Route(bytes.fromhex(given["receiver"]), given["session"], int(given["sequence"]))


def _value_as_json(value: Any) -> Any:
    """Integers become text, since most readers of JSON keep none that long; ballots become objects."""
    if isinstance(value, Ballot):
        return {"round": str(value.round), "proposer": value.proposer.hex()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _message_as_json(message: Envelope) -> dict[str, Any]:
    names = [field.name for field in fields(message.body)]
    body = {name: _value_as_json(getattr(message.body, name)) for name in names}
    return {
        "sender": message.sender,
        "epoch": str(message.epoch),
        "highest": str(message.highest),
        "priority": message.priority,
        "eligible": message.eligible,
        "body": {"type": type(message.body).__name__, **body},
    }


def message_of(given: dict[str, Any], incarnation: bytes) -> Envelope:
    """Return the message that JSON describes."""
    body = dict(given["body"])
    name = body.pop("type")
    layout = next(layout for layout in LAYOUTS if layout.body.__name__ == name)
    for field, kind in layout.fields:
        value = body[field]
        if kind.name == "ballot":
            body[field] = Ballot(int(value["round"]), bytes.fromhex(value["proposer"]))
        elif kind.name == "incarnation":
            body[field] = bytes.fromhex(value)
        elif kind.name in ("u32", "u64", "token"):
            body[field] = int(value)
        elif kind.name == "names":
            body[field] = tuple(value)
    return Envelope(
        sender=given["sender"],
        incarnation=incarnation,
        epoch=int(given["epoch"]),
        highest=int(given["highest"]),
        priority=given["priority"],
        eligible=given["eligible"],
        body=layout.body(**body),
    )


def _accepted() -> list[dict[str, Any]]:
    extremes = replace(
        envelope(Leading((1 << 128) - 1, (2**48 - 1) / 1e6), sender="é" * 126),
        epoch=2**64 - 1,
        highest=2**64 - 1,
        priority=1000,
        eligible=False,
    )
    largest = envelope(Ping(2**64 - 1, missed=("n" * 253,) * MOST_NAMES), sender="s" * 253)
    messages = [(type(body).__name__, envelope(body)) for body in BODIES]
    messages += [("highest values", extremes), ("largest datagram", largest)]
    vectors = []
    for sequence, (about, message) in enumerate(messages, 1):
        route = Route(RECEIVER, 5, sequence)
        data = encode(message, route, _CLUSTER, KEYS)
        vectors.append(_vector(about, route, message, data))
    first = Route(NOBODY, 0, 99)
    vectors.append(
        _vector("first contact", first, envelope(Ping(1)), encode(envelope(Ping(1)), first, _CLUSTER, KEYS))
    )
    answer = Route(RECEIVER, 6, 99)
    vectors.append(_vector("greeting", answer, None, encode_greeting(SENDER, answer, _CLUSTER, KEYS)))
    return vectors


def _vector(about: str, route: Route, message: Envelope | None, data: bytes) -> dict[str, Any]:
    return {
        "about": about,
        "incarnation": SENDER.hex(),
        "route": _route_as_json(route),
        "message": _message_as_json(message) if message else None,
        "datagram": data.hex(),
    }


def _refused() -> list[dict[str, str]]:
    route = Route(RECEIVER, 5, 1)
    data = encode(envelope(Ping(8, missed=("reports-1",))), route, _CLUSTER, KEYS)
    content = data[:-_SEAL]

    def changed(position: int, value: int) -> bytes:
        return content[:position] + bytes((value,)) + content[position + 1 :]

    flags, count = 62 + 18, len(content) - 11
    cases = [
        (Refusal.OVERSIZED, "one byte too many", reseal(content + bytes(LARGEST - len(data) + 1))),
        (Refusal.TRUNCATED, "one byte less than a greeting", data[:93]),
        (Refusal.FOREIGN, "another magic number", reseal(changed(0, 0x55))),
        (Refusal.WRONG_VERSION, "version 2", reseal(changed(4, VERSION + 1))),
        (Refusal.WRONG_CLUSTER, "another election", encode(envelope(Ping(1)), route, bytes(8), KEYS)),
        (Refusal.UNKNOWN_KEY, "another key", reseal(changed(14, content[14] ^ 1))),
        (Refusal.FORGED, "a bit of the seal", data[:-1] + bytes((data[-1] ^ 1,))),
        (Refusal.FORGED, "a bit of the body", changed(len(content) - 1, 0x21) + data[-_SEAL:]),
        (Refusal.MALFORMED, "type 15", reseal(changed(5, 15))),
        (Refusal.MALFORMED, "a flag that nobody knows", reseal(changed(flags, 3))),
        (Refusal.MALFORMED, "priority 1001", reseal(content[:78] + (1001).to_bytes(2, "big") + content[80:])),
        (Refusal.MALFORMED, "a byte after the body", reseal(content + b"\0")),
        (Refusal.MALFORMED, "a byte too few", reseal(content[:-1])),
        (Refusal.MALFORMED, "four names", reseal(changed(count, 4) + b"\x01a\x01b\x01c")),
        (Refusal.MALFORMED, "an empty name", reseal(changed(count + 1, 0)[: count + 2])),
        (Refusal.MALFORMED, "half a character", reseal(changed(len(content) - 1, 0xC3))),
        (Refusal.MALFORMED, "an empty sender", reseal(content[:81] + b"\0" + content[91:])),
        (
            Refusal.MALFORMED,
            "a sender of 254 bytes",
            reseal(content[:81] + b"\xfe" + b"n" * 254 + content[91:]),
        ),
        (Refusal.MALFORMED, "a greeting with a body", reseal(changed(5, 0))),
    ]
    return [
        {"about": about, "refusal": str(refusal), "datagram": data.hex()} for refusal, about, data in cases
    ]


def _all() -> dict[str, Any]:
    return {
        "version": VERSION,
        "election": ELECTION,
        "cluster": _CLUSTER.hex(),
        "secrets": [key.secret.decode() for key in KEYS.valid],
        "key_ids": [key.id.hex() for key in KEYS.valid],
        "accepted": _accepted(),
        "refused": _refused(),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(_all(), indent=1) + "\n")
