"""Serving: addresses, the port that is taken, and a close that waits for no stream and leaves nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from pathlib import Path

import pytest

from tenure.errors import ConfigurationError
from tenure.serving import Address, Message, Receive, Scope, Send, bind, serve
from tests.devserver.certificate import write_certificate


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every request with two bytes."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    """Begin a stream that nobody ends."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    await asyncio.Event().wait()


async def get(
    address: Address, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a GET and return the connection."""
    reader, writer = await asyncio.open_connection(*address, ssl=tls)
    writer.write(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
    return reader, writer


def open_sockets() -> int:
    """Count the sockets of this process."""
    links = Path("/proc/self/fd").iterdir()
    return sum(os.path.islink(link) and os.readlink(link).startswith("socket:") for link in links)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        ("localhost:0", Address("localhost", 0)),
        (":4040", Address("", 4040)),
        ("[::1]:4040", Address("::1", 4040)),
    ],
)
def test_an_address_is_read_and_written(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "4040", "host:", "host:http", "::1:80", "host:65536", "host:-1", "host:²"]
)
def test_a_malformed_address_is_refused_with_the_forms_that_work(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"write HOST:PORT, :PORT or \[IPV6\]:PORT"):
        Address.parse(text)


def test_a_taken_port_names_itself_and_the_remedy() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigurationError) as caught:
            bind("127.0.0.1", port)
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port}: address already in use; choose another with --http"
    )


def test_an_unknown_host_is_a_configuration_error() -> None:
    with pytest.raises(
        ConfigurationError, match=r"cannot listen on host\.invalid:0: .*; choose another with -x"
    ):
        bind("host.invalid", 0, option="-x")


def test_an_empty_host_is_every_interface() -> None:
    with bind("", 0) as sock:
        port = sock.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()


def test_signal_handlers_stay_ours() -> None:
    async def main() -> None:
        before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
        async with serve(hello, sockets=[bind("127.0.0.1", 0)]):
            assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before

    asyncio.run(main())


def test_several_sockets_serve_one_application() -> None:
    async def main() -> None:
        async with serve(hello, sockets=[bind("127.0.0.1", 0), bind("127.0.0.1", 0)]) as serving:
            assert len(set(serving.addresses)) == 2
            for address in serving.addresses:
                reader, writer = await get(address)
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
                writer.close()

    asyncio.run(main())


def test_a_hundred_open_streams_end_at_once_and_leave_nothing() -> None:
    async def main() -> None:
        sockets_before, tasks_before = open_sockets(), asyncio.all_tasks()
        async with serve(endless, sockets=[bind("127.0.0.1", 0)]) as serving:
            clients = [await get(serving.addresses[0]) for _ in range(100)]
            for reader, _ in clients:
                await reader.readuntil(b"first\r\n")
        for reader, writer in clients:
            assert await reader.read() == b"0\r\n\r\n", "a stream must end with its proper last chunk"
            writer.close()
            await writer.wait_closed()
        assert asyncio.all_tasks() == tasks_before
        assert open_sockets() == sockets_before

    asyncio.run(main())


def test_an_unanswered_request_is_refused_at_the_close() -> None:
    arrived = asyncio.Event()

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async def main() -> None:
        async with serve(silent, sockets=[bind("127.0.0.1", 0)]) as serving:
            reader, writer = await get(serving.addresses[0])
            await arrived.wait()
        assert (await reader.read()).startswith(b"HTTP/1.1 503")
        writer.close()

    asyncio.run(main())


def test_a_short_answer_under_way_is_finished() -> None:
    arrived = asyncio.Event()

    async def soon(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.set()
        await asyncio.sleep(0.02)
        await hello(scope, receive, send)

    async def main() -> None:
        async with serve(soon, sockets=[bind("127.0.0.1", 0)]) as serving:
            reader, writer = await get(serving.addresses[0])
            await arrived.wait()
        assert (await reader.read()).endswith(b"hi")
        writer.close()

    asyncio.run(main())


def test_a_client_that_does_not_read_is_cut_off() -> None:
    sent: list[Message] = []

    async def flood(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            message: Message = {"type": "http.response.body", "body": bytes(1_000_000), "more_body": True}
            sent.append(message)
            await send(message)

    async def main() -> None:
        before = open_sockets()
        async with serve(flood, sockets=[bind("127.0.0.1", 0)]) as serving:
            client = socket.create_connection(serving.addresses[0])
            client.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            seen = -1
            while seen != len(sent):  # until the buffers are full and the application stands still
                seen = len(sent)
                await asyncio.sleep(0.05)
        client.close()
        assert len(asyncio.all_tasks()) == 1
        assert open_sockets() == before

    asyncio.run(main())


@pytest.mark.parametrize("rounds", range(6))
def test_a_connection_accepted_just_before_the_close_is_closed(rounds: int) -> None:
    """Whichever round of the event loop its making had come to."""

    async def main() -> None:
        before = open_sockets()
        async with serve(hello, sockets=[bind("127.0.0.1", 0)]) as serving:
            client = socket.create_connection(serving.addresses[0])
            for _ in range(rounds):
                await asyncio.sleep(0)
        client.close()
        assert open_sockets() == before

    asyncio.run(main())


def test_the_sockets_are_free_again() -> None:
    async def main() -> None:
        async with serve(hello, sockets=[bind("127.0.0.1", 0)]) as serving:
            pass
        bind(*serving.addresses[0]).close()

    asyncio.run(main())


def test_streams_over_tls_end_at_once_too(tmp_path: Path) -> None:
    async def main() -> None:
        certificate = write_certificate(tmp_path / "server.pem")
        server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server_side.load_cert_chain(certificate)
        client_side = ssl.create_default_context(cafile=str(certificate))
        sockets_before, tasks_before = open_sockets(), asyncio.all_tasks()
        async with serve(endless, sockets=[bind("127.0.0.1", 0)], ssl=server_side) as serving:
            clients = [await get(serving.addresses[0], client_side) for _ in range(5)]
            for reader, _ in clients:
                await reader.readuntil(b"first\r\n")
        for reader, writer in clients:
            assert await reader.read() == b"0\r\n\r\n"
            writer.close()
            await writer.wait_closed()
        assert asyncio.all_tasks() == tasks_before
        assert open_sockets() == sockets_before

    asyncio.run(main())
