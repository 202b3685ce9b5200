"""Shows on the real API server what the proxy does to requests and answers."""

from __future__ import annotations

import contextlib
import http.client
import socket

import pytest

from tests.chaos.carrier import CarrierError
from tests.chaos.client import Client
from tests.chaos.network import Network
from tests.chaos.proxy import Proxy
from tests.chaos.trouble import Trouble
from tests.chaos.way import Way
from tests.cluster.server import Cluster, ServiceAccount

pytestmark = pytest.mark.cluster

CLOSED = b"\x07"  # the state of a socket that was reset; one that saw the other side close waits to be closed
SOON_S = 1.0  # how long a client waits that is to be disappointed


def was_reset(connection: http.client.HTTPSConnection) -> bool:
    """Wait for the end, and tell it from an orderly one: some versions of Python's ssl report both alike."""
    with contextlib.suppress(OSError):
        while connection.sock.recv(1 << 16):
            pass
    return connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == CLOSED


def test_connections_are_reset(way: Way) -> None:
    way.client.read()
    fault = way.begin("connections reset", "connections reset")
    assert was_reset(way.client.connect())
    fault.end()
    assert way.new_client().read().status == 200


def test_new_connections_are_reset_too(way: Way) -> None:
    fault = way.begin("connections reset", "each new one")
    for _ in range(2):
        assert was_reset(way.new_client().connect())
    fault.end()
    assert way.client.read().status == 200


def test_a_reset_strikes_a_watch(way: Way) -> None:
    way.client.send("GET", "?watch=true")
    way.begin("connections reset")
    assert was_reset(way.client.connect())


def test_unanswered_requests_never_arrive(way: Way) -> None:
    way.client.read()
    fault = way.begin("requests unanswered", "each request")
    way.client.timeout_s = SOON_S
    with pytest.raises(TimeoutError):
        way.client.create("never")
    with pytest.raises(TimeoutError):
        way.new_client(SOON_S).create("never")
    fault.end()
    assert way.new_client().create("next").status == 201
    assert way.names() == {"next"}


def test_late_requests_arrive_when_it_is_over(way: Way) -> None:
    fault = way.begin("requests late", "each request")
    names = {f"late-{number}" for number in range(20)}
    for name in names:
        client = way.new_client()
        client.connect()
        client.timeout_s = 0.01
        with pytest.raises(TimeoutError):
            client.create(name)
    assert way.names() == set()
    fault.end()
    for name in names:
        way.wait_for(name)  # though its client is gone
    assert way.new_client().create("next").status == 201


def test_answers_are_lost_and_never_found(way: Way) -> None:
    watch = way.client.send("GET", "?watch=true")
    other = way.new_client()
    other.read()
    fault = way.begin("answers lost", "each request")
    other.timeout_s = SOON_S
    with pytest.raises(TimeoutError):
        other.create("done")
    way.wait_for("done")
    fault.end()
    way.create_as_administrator("news")
    way.client.connect().sock.settimeout(SOON_S)
    with pytest.raises(TimeoutError):  # a gap would be a lie: after what was lost, nothing comes
        watch.readline()
    assert way.new_client().create("done").status == 409


def test_slow_answers_come_in_pieces(way: Way) -> None:
    fault = way.begin("answers slow", "16 bytes")
    connection = way.client.connect()
    path = "/version"
    connection.request("GET", path)
    pieces = [connection.sock.recv(1 << 16) for _ in range(3)]
    assert all(0 < len(piece) <= 16 for piece in pieces)
    assert b"".join(pieces).startswith(b"HTTP/1.1 ")
    fault.end()
    assert way.new_client().read().status == 200


def test_truncated_answers_end_early_after_the_act(way: Way) -> None:
    fault = way.begin("answers truncated", "each request")
    with pytest.raises(http.client.IncompleteRead) as caught:
        way.client.create("done")
    assert caught.value.partial.startswith(b'{"kind":"ConfigMap"')
    assert way.names() == {"done"}
    fault.end()
    assert way.client.create("done").status == 409


def test_a_watch_is_truncated_within_an_event(way: Way) -> None:
    watch = way.client.send("GET", "?watch=true")
    way.begin("answers truncated", "each request")
    way.create_as_administrator("news")
    with pytest.raises(http.client.IncompleteRead):
        watch.read()


def test_a_page_comes_instead_of_an_answer(way: Way) -> None:
    way.client.read()
    fault = way.begin("502 pages", "each request")
    answer = way.client.create("never")
    assert (answer.status, answer.kind) == (502, "text/html")
    assert b"<html>" in answer.body
    fault.end()
    assert way.client.create("next").status == 201
    assert way.names() == {"next"}


def test_a_page_comes_although_it_was_done(way: Way) -> None:
    way.client.read()
    fault = way.begin("502 pages after the act", "each request")
    answer = way.client.create("done")
    assert (answer.status, answer.kind) == (502, "text/html")
    assert way.names() == {"done"}
    assert way.client.send("GET", "?watch=true").status == 502
    fault.end()
    assert way.new_client().create("done").status == 409


def test_every_other_request_is_drawn_by_lot(way: Way) -> None:
    way.begin("502 pages", "every other request")
    assert {way.client.read().status for _ in range(100)} == {200, 502}


def test_a_server_that_is_down_closes_the_connection(
    cluster: Cluster, account: ServiceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"https://127.0.0.1:{nobody.getsockname()[1]}"
    monkeypatch.setattr(Cluster, "url", url)
    with Network(cluster, account, ["a"]) as network, pytest.raises((OSError, http.client.HTTPException)):
        Client(network.places[0]).read()


def test_a_connection_is_kept(way: Way) -> None:
    for _ in range(3):
        assert way.client.read().status == 200
        assert way.client.connection is not None
        assert way.client.connection.sock is not None


def test_a_proxy_that_does_not_start_says_why(cluster: Cluster, tmp_path: object) -> None:
    proxy = Proxy(
        cluster.folder, upstream=cluster.url, authority=cluster.ca_file, certificate=cluster.ca_file
    )
    with pytest.raises(CarrierError, match="PEM"):
        proxy.start(1)


def test_a_command_that_is_none_is_refused(way: Way) -> None:
    with pytest.raises(CarrierError, match="refuses"):
        way.place.faults[0]._carrier.begin(99, "nowhere", Trouble())
