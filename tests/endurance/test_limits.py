"""The limits of serving, each with a client that goes beyond it and one that does not."""

from __future__ import annotations

import asyncio
import logging
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tenure import LeaderElector, MemoryLock
from tenure.serving import Address, ASGIApplication, Limits, Receive, Scope, Send, bind, serve
from tenure.sidecar.app import App
from tenure.sidecar.outlook import Outlook
from tests.endurance.crowd import STREAM, connect

_GIVE_UP_S = 30.0  # a client that waits this long is not cut off; nothing is measured by it
_GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
_SOON = 0.1  # a limit that a test waits for


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


@asynccontextmanager
async def _served(limits: Limits, app: ASGIApplication = _hello) -> AsyncIterator[Address]:
    async with (
        asyncio.timeout(_GIVE_UP_S),
        serve(app, sockets=[bind("127.0.0.1", 0)], limits=limits) as serving,
    ):
        yield serving.addresses[0]


async def _open(address: Address, request: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request)
    return reader, writer


async def _cut_off(reader: asyncio.StreamReader) -> bytes:
    """Wait until the server hangs up; return what it said before."""
    said = b""
    try:
        while chunk := await reader.read(65536):
            said += chunk
    except ConnectionError:
        pass
    return said


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HT", id="half a head"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf", id="half a body"),
        pytest.param(_GET + b"GET / HT", id="a second request that stays half"),
    ],
)
def test_a_request_that_is_never_complete(request_: bytes) -> None:
    async def main() -> None:
        async with _served(Limits(request_s=_SOON)) as address:
            reader, writer = await _open(address, request_)
            await _cut_off(reader)
            writer.close()

    asyncio.run(main())


def test_one_byte_at_a_time_is_no_progress() -> None:
    async def main() -> None:
        async with _served(Limits(request_s=_SOON)) as address:
            reader, writer = await _open(address)
            cut_off = asyncio.create_task(_cut_off(reader))
            while not cut_off.done():
                writer.write(b"x")
                await asyncio.sleep(0.01)
            writer.close()

    asyncio.run(main())


def test_the_time_of_an_answer_is_not_the_clients() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(5 * _SOON)
        await _hello(scope, receive, send)

    async def main() -> None:
        async with _served(Limits(request_s=_SOON), slow) as address:
            reader, writer = await _open(address, _GET)
            assert (await _cut_off(reader)).endswith(b"hi")
            writer.close()

    asyncio.run(main())


@pytest.mark.parametrize("path", [b"/", b"/events"])
def test_a_body_without_end(path: bytes) -> None:
    async def main() -> None:
        app = App(Outlook(LeaderElector(MemoryLock())))
        async with _served(Limits(request_bytes=100_000), app) as address:
            head = b"POST " + path + b" HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
            reader, writer = await _open(address, head)
            cut_off = asyncio.create_task(_cut_off(reader))
            while not cut_off.done():
                writer.write(b"400\r\n" + bytes(0x400) + b"\r\n")
                await asyncio.sleep(0)
            writer.close()
            assert cut_off.result().startswith(b"HTTP/1.1 200") or not cut_off.result()

    asyncio.run(main())


def test_many_requests_on_one_connection_are_not_one_long_one() -> None:
    async def main() -> None:
        async with _served(Limits(request_bytes=2 * len(_GET))) as address:
            reader, writer = await _open(address)
            for _ in range(10):
                writer.write(_GET)
                assert (await reader.readuntil(b"hi")).startswith(b"HTTP/1.1 200")
            writer.close()

    asyncio.run(main())


def test_a_client_that_reads_nothing() -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def flood(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await receive()  # the request
            left = asyncio.create_task(receive())
            while not left.done():
                await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
                await asyncio.sleep(0)
            gone.set()

        async with _served(Limits(stall_s=_SOON), flood) as address:
            with connect(address.port, _GET, stalled=True):
                await gone.wait()

    asyncio.run(main())


def test_who_has_waited_longest_makes_room() -> None:
    async def main() -> None:
        async with _served(Limits(connections=3), App(Outlook(LeaderElector(MemoryLock())))) as address:
            stream, stream_writer = await _open(address, STREAM)
            await stream.readuntil(b"\n\n")
            clients = [await _open(address) for _ in range(3)]
            assert await _cut_off(clients[0][0]) == b""
            clients[2][1].write(_GET)
            assert (await clients[2][0].readuntil(b"}")).startswith(b"HTTP/1.1 200")
            for _, writer in (*clients, (stream, stream_writer)):
                writer.close()

    asyncio.run(main())


def test_streams_leave_room_for_questions() -> None:
    async def main() -> None:
        app = App(Outlook(LeaderElector(MemoryLock())), max_streams=2)
        async with _served(Limits(), app) as address:
            streams = [await _open(address, STREAM) for _ in range(2)]
            for reader, _ in streams:
                assert (await reader.readuntil(b"\n\n")).startswith(b"HTTP/1.1 200")
            reader, writer = await _open(address, STREAM)
            assert b"too many event streams" in await reader.readuntil(b"instead\n")
            streams[0][1].close()
            writer.close()
            await asyncio.sleep(_SOON)
            reader, writer = await _open(address, STREAM)
            assert (await reader.readuntil(b"\n\n")).startswith(b"HTTP/1.1 200")
            for _, one in (*streams, (reader, writer)):
                one.close()

    asyncio.run(main())


def test_clients_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with _served(Limits()) as address:
            for request in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: test\r\nX: " + b"x" * 100_000):
                reader, writer = await _open(address, request)
                await _cut_off(reader)
                writer.close()

    with caplog.at_level(logging.DEBUG, "uvicorn"):
        asyncio.run(main())
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def test_half_of_the_descriptors_stay_the_processs_own() -> None:
    program = "from tenure.serving import Limits; print(Limits.of_process().connections)"
    hard = 300

    def allow() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, preexec_fn=allow, check=True
    )
    assert int(done.stdout) == hard // 2
    assert Limits.of_process().connections == Limits.connections
