"""The parts of the peers' demo that could hide what it is to show."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from tenure.cli.demo.member import DemoFailedError
from tenure.cli.demo.relay import Relay
from tenure.cli.demo.witness import Witness


class Answerer:
    """Answers ``GET /leader`` as a sidecar does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.is_leader = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"is_leader": self.is_leader, "token": f"{self.name}1"}).encode()
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        writer.close()


def watched(*scene: str) -> Witness:
    """Return a witness of a scene: who leads in each act, of ``a`` and ``b``, both for ``ab``."""

    async def play() -> Witness:
        a, b = Answerer("a"), Answerer("b")
        gone: Any = SimpleNamespace(name="gone", port=1)  # nobody listens there
        async with a.running(), b.running():
            witness = Witness([a, b, gone])  # type: ignore[list-item]
            watching = asyncio.create_task(witness.watch())
            for act in scene:
                a.is_leader, b.is_leader = "a" in act, "b" in act
                before = witness.answers
                while witness.answers < before + 10:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            watching.cancel()
            await asyncio.wait({watching})
        return witness

    return asyncio.run(play())


def test_the_witness_sees_two_that_lead_at_once() -> None:
    with pytest.raises(DemoFailedError, match=r"[ab] and [ab] led at the same moment"):
        watched("a", "ab", "b").check()


def test_the_witness_sees_nothing_where_one_leads_after_the_other() -> None:
    witness = watched("a", "", "b", "")
    witness.check()
    assert witness.answers >= 40


@pytest.fixture
def ends() -> Iterator[dict[str, socket.socket]]:
    """A real socket of each of three members."""
    sockets = {name: socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for name in "abc"}
    for each in sockets.values():
        each.bind(("127.0.0.1", 0))
        each.settimeout(30)
    yield sockets
    for each in sockets.values():
        each.close()


def test_the_relay_answers_come_back_and_cut_ways_carry_nothing(ends: dict[str, socket.socket]) -> None:
    async def play() -> None:
        relay = Relay(ends)
        await relay.open()
        relay.places.update({name: each.getsockname() for name, each in ends.items()})

        async def receive(name: str) -> tuple[bytes, Any]:
            return await asyncio.to_thread(ends[name].recvfrom, 100)

        def send(sender: str, to: str, data: bytes) -> None:
            ends[sender].sendto(data, relay.address(of=to, told=sender))

        send("a", "b", b"hello")
        data, source = await receive("b")
        assert (data, source) == (b"hello", relay.address(of="a", told="b"))
        ends["b"].sendto(b"hello yourself", source)
        assert await receive("a") == (b"hello yourself", relay.address(of="b", told="a"))
        relay.part(["a"], ["b", "c"])
        send("a", "b", b"lost")
        send("c", "b", b"not lost")
        assert (await receive("b"))[0] == b"not lost"
        relay.heal()
        send("a", "b", b"healed")
        assert (await receive("b"))[0] == b"healed"
        relay.close()

    asyncio.run(play())
