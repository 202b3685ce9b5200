"""Proxy: stands between one candidate and the API server, and fails as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Self

from tenure.clock import boot_time

__all__ = ["Proxies", "Proxy"]

_CHUNK = 65536


class Proxies:
    """Proxies of one server, in a thread with an event loop of its own, while the block runs."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("https://").partition(":")
        self._upstream = (host, int(port))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.all: list[Proxy] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for proxy in self.all:
            self._call(proxy.refuse())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def open(self) -> Proxy:
        """Start one more."""
        proxy = Proxy(*self._upstream)
        self._call(proxy.restore())
        self.all.append(proxy)
        return proxy

    def fail(self, how: str) -> None:
        """Break all: ``refuse``, ``blackhole`` or ``swallow``."""
        for proxy in self.all:
            self._call(getattr(proxy, how)())

    def restore(self) -> None:
        """Let all work again."""
        for proxy in self.all:
            self._call(proxy.restore())

    def _call(self, coroutine: object) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)  # type: ignore[arg-type]


class Proxy:
    """Forwards bytes, or not.

    Attributes:
        port: on the loopback.
        accepted: when each connection was accepted; boot time, seconds.
    """

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._listener: asyncio.Server | None = None
        self._full: list[socket.socket] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._working = asyncio.Event()
        self._dead: set[asyncio.StreamWriter] = set()
        self._swallowing = False
        self.port = 0
        self.accepted: list[float] = []

    def kubeconfig(self, original: Path, target: Path) -> Path:
        """Write a copy of a kubeconfig that leads here."""
        content = json.loads(original.read_text())
        content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self.port}"
        target.write_text(json.dumps(content))
        return target

    async def refuse(self) -> None:
        """Nobody listens, and what was connected is reset."""
        self._close_listener()
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def blackhole(self) -> None:
        """Connections stall, and new ones are not answered: their packets are dropped by a full queue."""
        self._working.clear()
        self._close_listener()
        silent = socket.socket()
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", self.port))
        silent.listen(0)
        self._full.append(silent)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", self.port))
            self._full.append(filler)

    async def swallow(self) -> None:
        """Connections are accepted, and what comes through them is lost, now and for good."""
        self._swallowing = True
        self._dead.update(self._writers)

    async def restore(self) -> None:
        """Serve again."""
        self._swallowing = False
        self._working.set()
        for each in self._full:
            each.close()
        self._full.clear()
        if self._listener is None:
            self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    def _close_listener(self) -> None:
        if self._listener:
            self._listener.close()
            self._listener = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted.append(boot_time())
        both = [writer]
        self._writers.add(writer)
        if self._swallowing:
            self._dead.add(writer)
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._upstream)
            both.append(server_writer)
            self._writers.add(server_writer)
            if writer in self._dead:
                self._dead.add(server_writer)
            await asyncio.gather(self._pump(reader, server_writer), self._pump(server_reader, writer))
        except OSError:
            pass
        finally:
            for each in both:
                self._writers.discard(each)
                self._dead.discard(each)
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._working.wait()
            if writer not in self._dead:
                writer.write(data)
                await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
