"""What one of our members sends is what one of democracy.js sends, byte for byte."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable
from functools import partial

import pytest

from tests.democracy.group import Group
from tests.democracy.real import RealMember, free_addresses, send_packet
from tests.drivers.tools import play, until

pytestmark = pytest.mark.usefixtures("democracy_js")

DATA = {"text": '"\\ü\n\U0001f600' * 400, "values": [0, -1.5, True, None], "half": "\ud83d"}


def test_packets_are_the_same() -> None:
    async def scene() -> None:
        source, listener = free_addresses(2)
        theirs, ours = [await recorded(kind, source, listener) for kind in ("theirs", "ours")]
        assert theirs == ours
        whole = [json.loads(packet) for packet in ours if b'"chunk"' not in packet]
        assert {packet["event"] for packet in whole} == {"hello", "leader", "subscribe", "vote"}
        assert len(ours) - len(whole) > 3

    play(scene())


async def recorded(kind: str, source: str, listener: str) -> set[bytes]:
    """Return what one member at `source` says to somebody in the course of its life."""
    heard: set[bytes] = set()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        host, _, port = listener.partition(":")
        ear.bind((host, int(port)))
        ear.setblocking(False)
        loop.add_reader(ear, lambda: heard.add(ear.recv(2**16)))
        async with Group(listener) as group:
            start = group.theirs if kind == "theirs" else group.ours
            await live(await start("same", 99.5, source=source), listener, partial(hears, heard))
            loop.remove_reader(ear)  # before ours takes leave, which theirs never does
    # Messages in chunks have random names.
    return {re.sub(rb'"id":"[^"]+","c":', b'"id":"NAME","c":', packet) for packet in heard}


async def live(member: object, listener: str, heard: Callable[..., bool]) -> None:
    """Let a member be elected, send, subscribe, hear of somebody and vote for the removal of that one."""
    act = (
        member.call
        if isinstance(member, RealMember)
        else lambda name, *given: getattr(member.group, name)(*given)
    )
    await until(lambda: heard(b'"hello"', b'"leader"'))
    act("send", "ciao", DATA)
    act("subscribe", "news")
    await until(lambda: heard(b'"hello"', b'["news"]'))
    ghost = {"event": "hello", "id": "ghost", "weight": 1, "state": "citizen", "channels": []}
    send_packet(member.source, {**ghost, "source": listener})
    await until(lambda: heard(b'"vote"'))


def hears(heard: set[bytes], *parts: bytes) -> bool:
    """Tell whether some packet has all these parts."""
    return any(all(part in packet for part in parts) for packet in heard)
