"""Why all this is unsafe: what anybody can do who can send a datagram; and what ours survives."""

from __future__ import annotations

import json
import logging
import os
import random
from collections.abc import Iterator

import pytest

from tests.democracy.group import Group, Ours
from tests.democracy.real import RealMember, send_packet
from tests.drivers.tools import play, until

pytestmark = pytest.mark.usefixtures("democracy_js", "no_fault")


@pytest.fixture
def no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is logged as an error: what a protocol raises, its event loop logs."""
    yield
    assert [
        record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR
    ] == []


@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_one_forged_vote_makes_a_second_leader(kind: str) -> None:
    """A member of either kind takes over, from a leader of the real kind that lives and still leads."""

    async def scene() -> None:
        async with Group() as group:
            leader = await group.theirs("leader", 30)
            await until(lambda: leader.told("elected"))
            second: Ours | RealMember = await (group.ours if kind == "ours" else group.theirs)("second", 20)
            third = await group.ours("third", 10)
            await until(lambda: {("added", "leader"), ("added", "third")} <= set(second.told("added")))
            await until(lambda: third.leader == "leader")
            send_packet(second.source, {"event": "vote", "id": "nobody", "candidate": "leader"})
            await until(lambda: second.told("elected"))
            assert leader.told("resigned") == []
            await until(lambda: second.told("resigned"))  # when it hears the leader's next hello
            assert leader.told("resigned") == []

    play(scene())


@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_an_invented_member_takes_the_lead(kind: str) -> None:
    async def scene() -> None:
        async with Group() as group:
            leader: Ours | RealMember = await (group.ours if kind == "ours" else group.theirs)("leader", 30)
            await until(lambda: leader.told("elected"))
            hello = {"event": "hello", "id": "ghost", "weight": 99, "state": "leader", "channels": []}
            send_packet(leader.source, {**hello, "source": "127.0.0.1:9"})
            await until(lambda: leader.told("resigned"))
            assert leader.leader == "ghost"

    play(scene())


def test_a_forged_event_tells_theirs_that_it_was_elected_but_not_ours() -> None:
    async def scene() -> None:
        async with Group() as group:
            leader = await group.theirs("leader", 30)
            await until(lambda: leader.told("elected"))
            theirs, ours = await group.theirs("theirs", 20), await group.ours("ours", 10, "after")
            for member in (theirs, ours):
                send_packet(member.source, {"event": "elected", "id": "nobody"})
            await until(lambda: theirs.told("elected"))
            send_packet(ours.source, {"event": "after", "id": "nobody"})
            await until(lambda: ours.told("after"))
            assert ours.told("elected") == []

    play(scene())


@pytest.mark.parametrize(
    "packet",
    [
        {"event": "hello", "id": "nobody"},
        {"event": "error", "id": "nobody"},
        {"event": "subscribe", "id": "leader"},
        {"event": "leader", "id": "nobody", "source": 7},
    ],
    ids=lambda packet: packet["event"],
)
def test_one_packet_ends_a_process_of_theirs_but_not_ours(packet: dict[str, object]) -> None:
    async def scene() -> None:
        async with Group() as group:
            leader = await group.ours("leader", 1, "after")
            await until(leader.group.is_leader)
            theirs = await group.theirs("theirs", 2)
            await until(lambda: ("added", "leader") in theirs.told("added"))
            for member in (leader, theirs):
                send_packet(member.source, packet)
            await until(lambda: theirs.process.poll() is not None)
            send_packet(leader.source, {"event": "after", "id": "nobody", "extra": 1})
            await until(lambda: leader.told("after"))
            assert leader.group.is_leader()

    play(scene())


def test_ours_goes_on_under_garbage() -> None:
    """Random bytes, halves of packets, endless values and lonely chunks, through a real socket."""
    draw = random.Random(1)
    hello = json.dumps(
        {"event": "hello", "id": "x", "weight": 1, "state": "citizen", "source": "127.0.0.1:9"}
    )

    def garbage() -> bytes:
        kind = draw.randrange(4)
        if kind == 0:
            return os.urandom(draw.randrange(200))
        if kind == 1:
            return hello[: draw.randrange(len(hello))].encode()
        if kind == 2:
            return b"[" * 60_000
        return json.dumps({"chunk": "x" * 500, "id": str(draw.random()), "c": 900, "i": 1}).encode()

    async def scene() -> None:
        async with Group() as group:
            ours = await group.ours("ours", 1, "after")
            for _ in range(20):
                for _ in range(20):  # less than the socket holds
                    send_packet(ours.source, garbage())
                send_packet(ours.source, {"event": "after", "id": "nobody"})
                await until(lambda: ours.told("after"))
                ours.happened.clear()
            theirs = await group.theirs("theirs", 2)
            await until(lambda: ours.told("added") and theirs.told("added"))

    play(scene())
