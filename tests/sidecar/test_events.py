"""``/events``: the present state first, then every change."""

from __future__ import annotations

import signal
import socket
from contextlib import closing

import pytest

from tenure.serving import bind
from tests.devserver.api import Api
from tests.sidecar.conftest import MakeSidecar
from tests.sidecar.process import Stream

_LEASES = "leases.coordination.k8s.io"


def test_the_present_state_comes_first_and_then_each_change(sidecar: MakeSidecar) -> None:
    leader = sidecar("a")
    token = leader.until_leading()["token"]
    follower = sidecar("b")
    follower.until_named("a")
    with closing(Stream(leader.port)) as at_leader, closing(Stream(follower.port)) as at_follower:
        assert at_leader.next() == {
            "election": "default/example",
            "holder": "a",
            "identity": "a",
            "is_leader": True,
            "token": token,
            "reason": "",
        }
        first = at_follower.next()
        assert first
        assert (first["holder"], first["is_leader"]) == ("a", False)
        assert leader.end() == 0
        told = _until_leading(at_follower)
    assert told[-1]["holder"] == "b"
    assert int(told[-1]["token"]) > int(token)


def _until_leading(stream: Stream) -> list[dict[str, object]]:
    told = []
    while not told or not told[-1]["is_leader"]:
        event = stream.next()
        assert event, told
        told.append(event)
    return told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_frees_the_record_and_ends_a_hundred_streams(
    sidecar: MakeSidecar, api: Api, number: signal.Signals
) -> None:
    member = sidecar("a")
    member.until_leading()
    streams = [Stream(member.port) for _ in range(100)]
    assert all(stream.next() for stream in streams)
    assert member.end(number) == 0
    assert api.get(_LEASES, "example").body["spec"]["holderIdentity"] == ""
    for stream in streams:
        last = None
        while (event := stream.next()) is not None:
            last = event
        assert last
        assert (last["holder"], last["reason"]) == (None, "this candidate is ending")
        stream.close()
    assert member.stderr == []


def test_clients_that_hang_up_leave_nothing_behind(sidecar: MakeSidecar) -> None:
    member = sidecar("a")
    member.until_leading()
    for _ in range(20):
        with closing(Stream(member.port)) as stream:
            assert stream.next()
    with closing(Stream(member.port)) as stream:
        assert stream.next()
        assert member.end() == 0
    assert member.stderr == []


def test_a_client_that_does_not_read_holds_nobody_up(sidecar: MakeSidecar) -> None:
    member = sidecar("a")
    member.until_leading()
    with closing(Stream(member.port)), closing(Stream(member.port)) as reading:
        assert reading.next()
        assert member.end() == 0


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_pushed_events_do_not_wait_for_acknowledgements(host: str) -> None:
    with bind(host, 0) as listener:
        address = ("127.0.0.1", listener.getsockname()[1])
        with socket.create_connection(address), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
