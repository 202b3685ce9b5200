"""What a program holds: a member with a socket, from entering to leaving."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time

import pytest

from tenure import ConfigurationError
from tenure.peer.democracy.members import Member
from tenure.peer.democracy.unsafe import Democracy
from tests.democracy.real import free_addresses, send_packet
from tests.drivers.tools import play, until

QUICK = {"interval": 0.1, "timeout": 1.5}


def test_two_members_elect_the_heavier_and_tell_of_it() -> None:
    async def scene() -> None:
        one, two = free_addresses(2)
        told: list[tuple[str, Member]] = []
        heavy = Democracy(two, peers=[one, two], weight=2, identity="heavy", **QUICK)
        light = Democracy(one, peers=[one, two], weight=1, identity="light", **QUICK)
        for event in ("added", "removed", "leader", "elected", "resigned"):
            light.on(event, lambda member, event=event: told.append((event, member)))
        async with light:
            async with heavy:
                await until(heavy.is_leader)
                await until(lambda: light.leader() and light.leader().identity == "heavy")
                assert not light.is_leader()
                assert light.members() == [
                    Member(identity="heavy", weight=2.0, state="leader", source=two),
                    Member(identity="light", weight=1.0, state="citizen", source=one),
                ]
            await until(light.is_leader)
        events = [(event, member.identity) for event, member in told]
        assert events[0] == ("added", "heavy")
        assert events[-3:] == [("removed", "heavy"), ("elected", "light"), ("resigned", "light")]

    play(scene())


def test_constructing_opens_nothing_and_needs_no_event_loop() -> None:
    (source,) = free_addresses(1)
    group = Democracy(source)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", int(source.rpartition(":")[2])))
    assert not group.is_leader()
    assert group.leader() is None
    assert group.members() == []
    for call in (group.resign, lambda: group.send("ciao"), lambda: group.subscribe("news")):
        with pytest.raises(RuntimeError, match="does not take part: use it in `async with`"):
            call()


def test_one_warning_says_that_it_is_unsafe(caplog: pytest.LogCaptureFixture) -> None:
    (source,) = free_addresses(1)

    async def scene() -> None:
        async with Democracy(source, **QUICK) as group:
            await until(group.is_leader)

    play(scene())
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("tenure", logging.WARNING)
    assert record.getMessage().startswith(f"UNSAFE: {source} takes part")


def test_what_is_not_given_is_drawn_on_entering() -> None:
    async def scene() -> None:
        group = Democracy(*free_addresses(1), **QUICK)
        drawn = []
        for _ in range(2):
            async with group:
                drawn += group.members()
        assert drawn[0].identity != drawn[1].identity
        assert drawn[0].weight != drawn[1].weight
        assert all(member.weight >= 1 for member in drawn)

    play(scene())


def test_an_address_that_cannot_be_had() -> None:
    async def scene() -> None:
        (source,) = free_addresses(1)
        async with Democracy(source):
            with pytest.raises(
                ConfigurationError, match=f"cannot listen on {source}: Address already in use"
            ):
                await Democracy(source).__aenter__()
        elsewhere = Democracy("192.0.2.1:12345")
        with pytest.raises(ConfigurationError, match="must be an address of this machine"):
            await elsewhere.__aenter__()
        assert elsewhere.members() == []
        with pytest.raises(ConfigurationError, match=r"source: '0\.0\.0\.0:12345' names no machine"):
            Democracy("0.0.0.0:12345")

    play(scene())


def test_it_takes_part_once_at_a_time_and_again() -> None:
    async def scene() -> None:
        group = Democracy(*free_addresses(1), **QUICK)
        async with group:
            with pytest.raises(RuntimeError, match="takes part already"):
                await group.__aenter__()
            await until(group.is_leader)
        assert not group.is_leader()
        async with group:
            await until(group.is_leader)

    play(scene())


def test_entering_that_is_cancelled_leaves_nothing() -> None:
    async def scene() -> None:
        group = Democracy(*free_addresses(1))
        for turns in range(4):
            entering = asyncio.create_task(group.__aenter__())
            for _ in range(turns):
                await asyncio.sleep(0)
            entering.cancel()
            await asyncio.wait({entering})
            if not entering.cancelled():  # it had entered by then
                await group.__aexit__(None, None, None)
            assert group.members() == []
        async with group:
            assert group.members()

    play(scene())


def test_a_callback_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        (source,) = free_addresses(1)
        told: list[object] = []
        group = Democracy(source, **QUICK)

        def fail(data: object) -> None:
            raise ValueError("of the application")

        group.on("ciao", fail)
        end = group.on("ciao", told.append)
        group.on("ciao", told.append)
        async with group:
            send_packet(source, {"event": "ciao", "id": "nobody", "extra": 1})
            await until(lambda: told == [1, 1])
            end()
            end()
            send_packet(source, {"event": "ciao", "id": "nobody"})
            await until(lambda: told == [1, 1, None])
            await until(group.is_leader)

    play(scene())
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "a callback of event 'ciao' failed"
    ] * 2


def test_a_callback_may_act() -> None:
    """Who resigns in the moment of its election has told nobody of that election before."""

    async def scene() -> None:
        group = Democracy(*free_addresses(1), **QUICK)
        told: list[str] = []
        group.on("elected", lambda member: (told.append("elected"), group.resign()))
        group.on("resigned", lambda member: told.append("resigned"))
        async with group:
            await until(lambda: told == ["elected", "resigned"])
            assert not group.is_leader()

    play(scene())


@pytest.mark.parametrize("event", ["hello", "vote", "subscribe"])
def test_events_that_never_happen(event: str) -> None:
    with pytest.raises(ConfigurationError, match="is no event"):
        Democracy("127.0.0.1:1").on(event, print)


def test_a_datagram_that_cannot_be_sent_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """From the loopback nothing leads to the network of documentation."""

    async def scene() -> None:
        async with Democracy(*free_addresses(1), peers=["192.0.2.1:1", "192.0.2.2:1"], **QUICK) as group:
            await until(group.is_leader)

    play(scene())
    assert sum("could not be sent" in record.getMessage() for record in caplog.records) == 1


def test_a_forked_child_leads_nothing_and_sends_nothing() -> None:
    async def scene() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.setblocking(False)
            peers = [f"127.0.0.1:{peer.getsockname()[1]}"]
            async with Democracy(*free_addresses(1), peers=peers, **QUICK) as group:
                await until(group.is_leader)
                drain(peer)
                if (pid := os.fork()) == 0:
                    time.sleep(QUICK["interval"])  # noqa: ASYNC251  (so is the child)
                    group._running._wake()  # as its copy of the event loop would do it
                    os._exit(1 if group.is_leader() or group.leader() or group.members() else 0)
                _, status = os.waitpid(pid, 0)  # noqa: ASYNC222  (its parent is silent meanwhile)
                assert status == 0
                assert drain(peer) == 0
                assert group.is_leader()
                await until(lambda: drain(peer))

    play(scene())


def drain(listener: socket.socket) -> int:
    """Read what has come, and return how many datagrams that was."""
    count = 0
    while True:
        try:
            listener.recv(2**16)
        except BlockingIOError:
            return count
        count += 1
