"""Packets that nobody should send: the core raises nothing, and keeps within its bounds."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.peer.democracy.chunks import Assembly
from tenure.peer.democracy.members import MOST_MEMBERS
from tenure.peer.democracy.node import Node
from tenure.peer.democracy.options import Options
from tenure.peer.democracy.packets import MalformedError, decode

PACKETS = 100_000
ME = "127.0.0.1:12345"
KEYS = ("event", "id", "weight", "state", "channels", "source", "candidate", "extra", "chunk", "c", "i")
NAMES = ("me", "a", "b", "", "__proto__", "\ud83d", "x" * 300, "\U0001f600" * 100)
SOURCES = (ME, "127.0.0.1:1", "0.0.0.0:5", "10.0.0.1:99999", "localhost:1", "", "255.255.255.255:1", ":")
EVENTS = ("hello", "vote", "leader", "subscribe", "elected", "error", "ciao")
ODD: tuple[Any, ...] = (None, True, -1, 0, 1.5, 1e308, 10**400, [], {}, "", "hello", [[]], {"id": {}})


def make_node() -> Node:
    options = Options(source=ME, peers=["127.0.0.1:2"], channels=["news"])
    return Node(options, identity="me", weight=10, packet_prefix="p", now=0.0)


def packet(draw: random.Random) -> str:
    """A packet that is right in most respects, or a chunk of one."""
    found: dict[str, Any] = {
        "event": draw.choice(EVENTS),
        "id": draw.choice(NAMES) if draw.random() < 0.5 else f"ghost-{draw.randrange(1000)}",
        "weight": 1e300 if draw.random() < 0.002 else draw.choice((1, 5, -3)),
        "state": draw.choice(("leader", "citizen")),
        "channels": draw.choice(([], ["news"], list(NAMES), ["x" * 200] * 100)),
        "candidate": draw.choice(NAMES) if draw.random() < 0.5 else f"ghost-{draw.randrange(1000)}",
        "source": draw.choice(SOURCES) if draw.random() < 0.5 else f"127.0.0.1:{draw.randrange(65536)}",
        "extra": draw.choice(ODD),
    }
    for key in draw.choices(KEYS, k=draw.choice((0, 0, 1, 2))):
        if draw.random() < 0.5:
            found[key] = draw.choice(ODD)
        else:
            found.pop(key, None)
    text = json.dumps(found)
    if draw.random() < 0.2:
        start = draw.randrange(len(text))
        where = {"i": draw.randrange(3), "c": draw.choice((1, 2, 3, 900, 10**9))}
        return json.dumps({"chunk": text[start:] or "x", "id": str(draw.randrange(5000)), **where})
    return text


def garbled(draw: random.Random) -> bytes:
    """A packet as above, or what is left of one."""
    datagram = packet(draw).encode()
    kind = draw.random()
    if kind < 0.1:
        datagram = datagram[: draw.randrange(len(datagram))]
    elif kind < 0.2:
        garbage = bytearray(datagram)
        garbage[draw.randrange(len(garbage))] = draw.randrange(256)
        datagram = bytes(garbage)
    elif kind < 0.22:
        datagram = draw.randbytes(draw.randrange(300))
    return datagram


def test_a_hundred_thousand_packets() -> None:
    draw = random.Random(20)
    node, now = make_node(), 0.0
    pool = [garbled(draw) for _ in range(5000)]
    happened, sent = set(), 0
    for number in range(PACKETS):
        if number % 20 == 0:
            pool[draw.randrange(len(pool))] = garbled(draw)
            now += draw.random() / 10
            if now >= node.get_timer():
                node.handle_timer(now)
        node.receive_datagram(draw.choice(pool), ("127.0.0.1", draw.randrange(1, 5)), now)
        while (event := node.next_event()) is not None:
            happened.add(event[0])
        for datagram, (host, port) in node.datagrams_to_send():
            sent += 1
            if sent % 1000 == 0:
                decode(datagram)
            assert host.count(".") == 3
            assert 0 < port < 65536
        assert node._assembly.cost <= Assembly.room
    assert len(node._members._entries) == MOST_MEMBERS  # so that the bound was reached
    assert happened >= {"added", "removed", "leader", "elected", "resigned", "ciao"}
    assert "news" in node.members()[-1].channels
    for _ in range(10):  # when it is over, the dead are removed and the living lead
        now += 1
        node.handle_timer(now)
    assert [member.identity for member in node.members()] == ["me"]
    assert node.is_leader
    assert node._assembly.cost == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from((*EVENTS, *NAMES)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), JSON).map(lambda found: json.dumps(found).encode())


@given(st.binary() | OBJECTS)
@settings(deadline=None)
def test_any_object(datagram: bytes) -> None:
    try:
        decode(datagram)
    except MalformedError:
        pass
    node = make_node()
    node.receive_datagram(datagram, ("127.0.0.1", 1), 0.0)
    node.handle_timer(5.0)
