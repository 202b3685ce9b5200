"""Serving ASGI applications: uvicorn's HTTP under our own signals, closed without waiting for streams."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.serving.address import Address
from tenure.serving.asgi import ASGIApplication
from tenure.serving.crowd import Crowd
from tenure.serving.exchanges import FLUSH_GRACE_S, Exchanges
from tenure.serving.limits import Limits

if TYPE_CHECKING:
    from ssl import SSLContext

    from uvicorn.server import ServerState

    from tenure.serving.connection import Connection

__all__ = ["Serving", "serve"]

# What was accepted just now becomes a connection within so many rounds of the loop, with one to spare.
_ROUNDS_TO_JOIN = 5


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A server at work.

    Attributes:
        addresses: where it listens, one per socket, with the real port.
    """

    addresses: tuple[Address, ...]


@asynccontextmanager
async def serve(
    app: ASGIApplication,
    *,
    sockets: Sequence[socket.socket],
    ssl: SSLContext | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[Serving]:
    """Serve `app` on listening sockets within the running event loop, until the block ends.

    No lifespan events, no access log, no signal handlers: those belong to whoever runs the loop. At the end
    no new connection is accepted, answers that have begun (SSE, watches) are ended at once with their
    task cancelled, requests still unanswered get 0.3 s, and whatever then remains is cut off. Nothing stays
    behind: no task, no connection, and the sockets, which belong to the server from now on, are closed.

    Args:
        app: an ASGI 3 application.
        sockets: from `bind`.
        ssl: serve TLS with this context on all of them.
        limits: what clients may take; None: the usual ones.
    """
    exchanges = Exchanges(app)
    addresses = tuple(Address(*sock.getsockname()[:2]) for sock in sockets)
    try:
        listener = await _Listener.start(exchanges, sockets, ssl, limits or Limits())
        try:
            yield Serving(addresses=addresses)
        finally:
            await listener.close(exchanges)
    finally:
        for sock in sockets:
            sock.close()


class _Listener:
    """uvicorn's HTTP protocol on plain asyncio servers: its own `Server` would take the signals and wait."""

    def __init__(self, state: ServerState, servers: list[asyncio.Server]) -> None:
        self._connections: set[Connection] = state.connections  # type: ignore[assignment]
        self._servers = servers

    @classmethod
    async def start(
        cls, app: ASGIApplication, sockets: Sequence[socket.socket], ssl: SSLContext | None, limits: Limits
    ) -> _Listener:
        # Imported late: whoever only parses an address does not pay for the server.
        from uvicorn.config import Config
        from uvicorn.server import ServerState

        from tenure.serving.connection import Connection

        config = Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        config.load()
        state, crowd = ServerState(), Crowd(limits.connections)
        loop = asyncio.get_running_loop()
        servers = [
            await loop.create_server(lambda: Connection(config, state, crowd, limits), sock=sock, ssl=ssl)
            for sock in sockets
        ]
        return cls(state, servers)

    async def close(self, exchanges: Exchanges) -> None:
        await self._accept_no_more()
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.shutdown()  # closes the idle ones, the others after their answer
        try:
            await exchanges.end()
            await self._flushed()
        finally:
            for connection in list(self._connections):
                connection.transport.abort()
        while self._connections:  # noqa: ASYNC110  # aborted transports take leave in the loop's next round
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _accept_no_more(self) -> None:
        """Let what was accepted become a connection: asyncio leaks it if its server is closed before that."""
        loop = asyncio.get_running_loop()
        for server in self._servers:
            for sock in server.sockets:
                loop.remove_reader(sock.fileno())
        for _ in range(_ROUNDS_TO_JOIN):
            await asyncio.sleep(0)

    async def _flushed(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + FLUSH_GRACE_S
        # Polled, since the protocol tells nobody when its connection is gone.
        while self._connections and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
