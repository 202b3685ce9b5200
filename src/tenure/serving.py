"""Serving ASGI applications: uvicorn's HTTP under our own signals, closed without waiting for streams."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.errors import ConfigurationError

if TYPE_CHECKING:
    from ssl import SSLContext

    from uvicorn.protocols.http.h11_impl import H11Protocol
    from uvicorn.server import ServerState

__all__ = ["ASGIApplication", "Address", "Message", "Receive", "Scope", "Send", "Serving", "bind", "serve"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

_ANSWER_GRACE_S = 0.3
"""How long a request that has no answer yet may go on when the server closes; streams end at once."""
_FLUSH_GRACE_S = 0.2
"""How long the last bytes may take to leave; a client that does not read them is cut off."""


class Address(NamedTuple):
    """Where to listen: an empty host means every interface, port 0 any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``HOST:PORT``, ``:PORT`` (every interface) or ``[::1]:PORT``.

        Raises:
            ConfigurationError: it is none of these.
        """
        host, colon, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        well_formed = colon and port.isascii() and port.isdigit() and int(port) <= 65535
        if not well_formed or (":" in host and not bracketed):
            raise ConfigurationError(
                f"{text!r} is no address to listen on; "
                "write HOST:PORT, :PORT or [IPV6]:PORT, with a port up to 65535"
            )
        return cls(host[1:-1] if bracketed else host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def bind(host: str, port: int, *, option: str = "--http") -> socket.socket:
    """Listen on a TCP port (0: any free one); an empty host means every interface, IPv4 and IPv6.

    Args:
        host: a name or an IPv4 or IPv6 address.
        port: the port number.
        option: the command-line option that the error recommends.

    Raises:
        ConfigurationError: the address is taken, not allowed or not of this machine.
    """
    try:
        if not host and socket.has_dualstack_ipv6():
            sock = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        else:
            found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)
            sock = socket.create_server(found[0][4][:2], family=found[0][0])
    except OSError as error:
        # create_server decorates strerror with the address, which we name ourselves.
        known = error.errno is not None and error.errno > 0
        reason = os.strerror(error.errno).lower() if known and error.errno else str(error.strerror or error)
        raise ConfigurationError(
            f"cannot listen on {Address(host, port)}: {reason}; choose another with {option}"
        ) from error
    # Connections inherit it. asyncio sets it only where the socket names its protocol, which these do not;
    # without it every event pushed into an open stream waits some 40 ms for the client's acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A server at work.

    Attributes:
        addresses: where it listens, one per socket, with the real port.
    """

    addresses: tuple[Address, ...]


@asynccontextmanager
async def serve(
    app: ASGIApplication, *, sockets: Sequence[socket.socket], ssl: SSLContext | None = None
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
    """
    exchanges = _Exchanges(app)
    addresses = tuple(Address(*sock.getsockname()[:2]) for sock in sockets)
    try:
        listener = await _Listener.start(exchanges, sockets, ssl)
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
        self._connections: set[H11Protocol] = state.connections  # type: ignore[assignment]
        self._servers = servers

    @classmethod
    async def start(
        cls, app: ASGIApplication, sockets: Sequence[socket.socket], ssl: SSLContext | None
    ) -> _Listener:
        # Imported late: whoever only parses an address does not pay for the server.
        from uvicorn.config import Config
        from uvicorn.protocols.http.h11_impl import H11Protocol
        from uvicorn.server import ServerState

        config = Config(
            app,
            http=H11Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        servers = [
            await loop.create_server(lambda: H11Protocol(config, state, {}), sock=sock, ssl=ssl)
            for sock in sockets
        ]
        return cls(state, servers)

    async def close(self, exchanges: _Exchanges) -> None:
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

    async def _flushed(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _FLUSH_GRACE_S
        # Polled, since the protocol tells nobody when its connection is gone.
        while self._connections and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


class _Exchanges:
    """The application, with every request under way in view, so that they can be ended."""

    def __init__(self, app: ASGIApplication) -> None:
        self._app = app
        self._open: dict[asyncio.Task[Any], _Exchange] = {}
        self._ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        exchange = self._open[task] = _Exchange(send)
        try:
            await self._app(scope, receive, exchange.send)
        except asyncio.CancelledError:
            if not self._ending:
                raise
            task.uncancel()
            await exchange.finish()
        finally:
            del self._open[task]

    async def end(self) -> None:
        """Cancel what has begun to answer, then, after a grace, the rest; returns when all have ended."""
        self._ending = True
        tasks = set(self._open)
        for task, exchange in self._open.items():
            if exchange.started:
                task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_ANSWER_GRACE_S)
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(set(self._open), timeout=_FLUSH_GRACE_S)


class _Exchange:
    """One request and how far its answer has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_length = False
        self.started = False
        self._complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._has_length = any(
                name.lower() == b"content-length" for name, _ in message.get("headers", ())
            )
        elif message["type"] == "http.response.body":
            self._complete = not message.get("more_body", False)
        await self._send(message)

    async def finish(self) -> None:
        """End the answer properly, so that a client sees the end of a stream and not a broken one."""
        if self._complete:
            return
        if not self.started:
            headers = [(b"connection", b"close"), (b"content-length", b"0")]
            await self._send({"type": "http.response.start", "status": 503, "headers": headers})
        if not self._has_length:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
