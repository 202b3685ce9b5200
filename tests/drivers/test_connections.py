"""Electors and observers over the embedded API server: how little they ask, and how they meet an outage."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

import pytest

from tenure import LeaderElector, LeaderObserver, LeaseLock, Term, Timing
from tenure.devserver import DevServer
from tenure.events import Elected, Lost, Renewed, Unavailable
from tenure.testing.pytest_plugin import RunningDevServer
from tests.drivers.tools import Recorder, play, until, wait_until


async def forever(term: Term) -> None:
    await asyncio.Event().wait()


def test_followers_and_observers_ask_once_and_then_only_watch(tmp_path: Path) -> None:
    async def scene() -> None:
        async with DevServer() as server:
            kubeconfig = server.kubeconfig(tmp_path / "config")
            lock = LeaseLock("reports", kubeconfig=kubeconfig)
            leader, follower = (LeaderElector(lock, identity=name, timing=TIMING) for name in ("a", "b"))
            seen = Recorder()
            leader.subscribe(seen)
            async with leader.term(), follower.running(forever), LeaderObserver(lock) as observer:
                await until(lambda: follower.leader == observer.leader == "a")
                await until(lambda: sum("watch=true" in r.target for r in server.requests) == 3)
                server.requests.clear()
                renewals = seen.seen(Renewed)
                await until(lambda: seen.seen(Renewed) >= renewals + 4)
                methods = {request.method for request in server.requests}
                assert methods == {"PUT"}
                assert len(server.requests) <= seen.seen(Renewed) - renewals + 1

    play(scene())


TIMING = Timing(lease_duration=3, renew_period=0.3)


@asynccontextmanager
async def counted(url: str) -> AsyncIterator[tuple[str, list[int]]]:
    """Stand between client and server, and count the connections."""
    host, port = url.removeprefix("http://").split(":")
    opened: list[int] = []
    writers: list[asyncio.StreamWriter] = []

    async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(1)
        upstream_reader, upstream = await asyncio.open_connection(host, int(port))
        writers.extend((writer, upstream))
        await asyncio.gather(pipe(reader, upstream), pipe(upstream_reader, writer))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", opened
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()


def test_elections_of_one_process_share_their_connections(tmp_path: Path) -> None:
    async def scene() -> None:
        async with DevServer() as server, counted(server.url) as (url, opened):
            kubeconfig = server.kubeconfig(tmp_path / "config")
            kubeconfig.write_text(kubeconfig.read_text().replace(server.url, url))
            locks = [LeaseLock(f"e{i}", kubeconfig=kubeconfig) for i in range(3)]
            seen = Recorder()
            electors = [LeaderElector(lock, identity="a", timing=TIMING) for lock in locks]
            for elector in electors:
                elector.subscribe(seen)
            async with AsyncExitStack() as stack:
                for elector in electors:
                    await stack.enter_async_context(elector.running(forever))
                await stack.enter_async_context(LeaderObserver(locks[0]))
                await until(lambda: seen.seen(Renewed) >= 12)
                # Four watches and at most as many calls at a time; not one per renewal.
                assert len(opened) <= 8
        await until(lambda: len(asyncio.all_tasks()) <= 2)

    play(scene())


class Refusing:
    """A port where every connection is closed as soon as it is accepted; counts them."""

    def __init__(self, port: int) -> None:
        self.attempts: list[float] = []
        self._port = port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._close, "127.0.0.1", self._port)
        return self

    def _close(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts.append(time.monotonic())
        writer.transport.abort()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_an_outage_is_met_with_few_attempts_and_ends_with_a_new_term(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    timing = Timing(lease_duration=6, renew_deadline=3, renew_period=1, retry_period=1)

    async def scene() -> None:
        server = DevServer(port=port)
        async with server:
            kubeconfig = server.kubeconfig(tmp_path / "config")
            elector = LeaderElector(LeaseLock("reports", kubeconfig=kubeconfig), timing=timing)
            seen = Recorder()
            elector.subscribe(seen)
            scope = elector.running(forever)
            await scope.__aenter__()
            await until(elector.is_leader)
        async with Refusing(port) as refusing:
            await until(lambda: seen.seen(Lost))
            await until(lambda: len(refusing.attempts) > 6)
            attempts = refusing.attempts[:]
        # Whatever the machine does, attempts that are further apart only lower this; a read that met a
        # connection which had just been closed goes out once more, hence the two of grace.
        assert len(attempts) <= 2 * (attempts[-1] - attempts[0]) + 4
        async with server:
            await until(lambda: seen.seen(Elected) == 2)
            assert elector.is_leader()
            await scope.__aexit__(None, None, None)
        assert seen.seen(Unavailable) == 1

    play(scene())
    assert caplog.text.count("term lost") == 1


GUNICORN = """
import asyncio, contextlib, os
from fastapi import FastAPI
from tenure import LeaderElector, LeaseLock, Timing
from tenure.clock import boot_time

directory = os.environ["TEST_DIRECTORY"]
elector = LeaderElector(
    LeaseLock("reports", kubeconfig=directory + "/config"), identity="one", timing=Timing(lease_duration=3)
)

def tell(line):
    with open(f"{directory}/{os.getpid()}.log", "a") as log:
        log.write(line + "\\n")

async def work(term):
    while True:
        term.check()
        tell(f"valid {boot_time()} {boot_time() + term.remaining_s()}")
        await asyncio.sleep(0.02)

@contextlib.asynccontextmanager
async def lifespan(app):
    async with elector.running(work):
        tell("started")
        yield
    tell("stopped")

app = FastAPI(lifespan=lifespan)
"""


@pytest.fixture
def gunicorn(tenure_devserver: RunningDevServer, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    tenure_devserver.server.kubeconfig(tmp_path / "config")
    (tmp_path / "served.py").write_text(GUNICORN)
    options = f"--preload -w 4 -k uvicorn_worker.UvicornWorker -b 127.0.0.1:{free_port()} --no-control-socket"
    environment = {**os.environ, "TEST_DIRECTORY": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "gunicorn", *options.split(), "served:app"]
    with (
        (tmp_path / "errors").open("wb") as errors,
        subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=errors) as server,
    ):
        yield server
        server.terminate()


def _moments(path: Path) -> list[float]:
    return [float(line.split()[1]) for line in path.read_text().splitlines() if line.startswith("valid")]


def test_four_gunicorn_workers_of_one_name_have_one_leader(
    gunicorn: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    def leaders() -> list[Path]:
        return [path for path in tmp_path.glob("*.log") if "valid" in path.read_text()]

    wait_until(lambda: sum("started" in path.read_text() for path in tmp_path.glob("*.log")) == 4)
    wait_until(leaders)
    (first,) = leaders()
    wait_until(lambda: len(_moments(first)) > 20)
    os.kill(int(first.stem), signal.SIGKILL)
    wait_until(lambda: len(leaders()) == 2)
    (second,) = set(leaders()) - {first}
    wait_until(lambda: len(_moments(second)) > 20)
    assert max(_moments(first)) < min(_moments(second))
    gunicorn.send_signal(signal.SIGTERM)
    assert gunicorn.wait(30) == 0
    assert "stopped" in second.read_text()
