"""Connections: the HTTP pool of one client, replaced whole when one breaks or a certificate changes."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore2

from tenure.errors import LockUnavailableError
from tenure.kubernetes.sockets import SocketBackend
from tenure.kubernetes.tls import TlsIdentity

__all__ = ["Connections", "Exchange"]

# Shorter than the idle timeouts of common load balancers, which drop connections without a word.
_KEEPALIVE_EXPIRY_S = 60.0

_FAULTS = (
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    OSError,
    ValueError,  # a host name that cannot be encoded
)


class Exchange:
    """How far one request got.

    Args:
        endless: its answer is a stream, which gets a connection of its own: one that idles is worth more to
            the next call, which then need not wait for a handshake.

    Attributes:
        endless: as given.
        connected: a new connection was opened for it, or tried.
        sent: bytes of it may have reached the server, so that the outcome of a write is unknown.
        streaming: its answer is an endless one that works; to leave it says nothing against the others.
    """

    def __init__(self, *, endless: bool = False) -> None:
        self.endless = endless
        self.connected = False
        self.sent = False
        self.streaming = False

    async def trace(self, name: str, info: dict[str, Any]) -> None:
        """Receive the progress that the HTTP library reports."""
        if name.endswith(".connect_tcp.started"):
            self.connected = True
        elif name == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            self.sent = True


class Connections:
    """Sends requests; no limit to their number, so that watches cannot starve calls."""

    def __init__(self, server: str, proxy_url: str) -> None:
        self._is_secure = server.startswith("https:")
        self._proxy = _make_proxy(proxy_url)
        self._description = (
            f"{server} (through the proxy {self._proxy.url.origin})" if self._proxy else server
        )
        self._generation: _Generation | None = None
        self._retired: set[_Generation] = set()
        self._closed = False

    @asynccontextmanager
    async def exchange(
        self, request: httpcore2.Request, identity: TlsIdentity, exchange: Exchange
    ) -> AsyncIterator[httpcore2.Response]:
        """Send `request`, yield the answer with its body unread, and leave no socket behind.

        Raises:
            LockUnavailableError: connection, TLS or protocol failed; `refused` if nothing was sent.
        """
        generation = await self._current(identity)
        generation.users += 1
        try:
            pool = generation.streams if exchange.endless else generation.calls
            response = await pool.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
                if self._closed:
                    # A pool that was closed while this connection was being made has forgotten it.
                    await response.extensions["network_stream"].aclose()
        except asyncio.CancelledError:
            # A timeout looks like this: whatever else idles in the pool may be just as half-open.
            if not exchange.streaming:
                await self._retire(generation)
            raise
        except _FAULTS as error:
            await self._retire(generation)
            raise LockUnavailableError(
                _describe(self._description, error), refused=not exchange.sent
            ) from error
        finally:
            generation.users -= 1
            await self._close_if_unused(generation)

    async def aclose(self) -> None:
        """Close every connection, also those in use, and open no more."""
        self._closed = True
        generations = {*self._retired, *([self._generation] if self._generation else [])}
        for generation in generations:
            await generation.aclose()

    async def _current(self, identity: TlsIdentity) -> _Generation:
        if self._closed:
            raise LockUnavailableError(f"{self._description}: the client is closed", refused=True)
        outdated = self._generation
        if outdated is not None and outdated.identity == identity:
            return outdated
        context = identity.make_context() if self._is_secure else None
        generation = self._generation = _Generation(identity, context, self._proxy)
        if outdated is not None:
            await self._retire(outdated)
        return generation

    async def _retire(self, generation: _Generation) -> None:
        """Close idle connections now, and the others with their last users (a watch that still works)."""
        if self._generation is generation:
            self._generation = None
        self._retired.add(generation)
        await generation.close_idle()
        await self._close_if_unused(generation)

    async def _close_if_unused(self, generation: _Generation) -> None:
        if generation in self._retired and not generation.users:
            self._retired.discard(generation)
            await generation.aclose()


class _Generation:
    """The connections of one identity, for calls and for streams, and how many exchanges use them."""

    def __init__(
        self, identity: TlsIdentity, context: ssl.SSLContext | None, proxy: httpcore2.Proxy | None
    ) -> None:
        self.identity = identity
        self.users = 0
        self.calls, self.streams = (
            httpcore2.AsyncConnectionPool(
                ssl_context=context,
                proxy=proxy,
                max_connections=None,
                keepalive_expiry=_KEEPALIVE_EXPIRY_S,
                network_backend=SocketBackend(),
            )
            for _ in range(2)
        )

    async def close_idle(self) -> None:
        """Close what nobody uses at the moment."""
        for connection in (*self.calls.connections, *self.streams.connections):
            if connection.is_idle():
                await connection.aclose()

    async def aclose(self) -> None:
        """Close everything."""
        await self.calls.aclose()
        await self.streams.aclose()


def _make_proxy(proxy_url: str) -> httpcore2.Proxy | None:
    if not proxy_url:
        return None
    # httpcore2 leaves a user name and password in the URL aside.
    parts = urlsplit(proxy_url)
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore2.Proxy(proxy_url, auth=auth)


def _describe(server: str, error: Exception) -> str:
    cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        remedy = "check tls-server-name" if "match" in cause.verify_message else "check certificate-authority"
        return f"{server}: its certificate is not trusted: {cause.verify_message}; {remedy}"
    if isinstance(cause, ssl.SSLError):
        return f"{server}: TLS failed: {cause.reason or cause}; check the server's URL and client-certificate"
    if isinstance(error, httpcore2.ProxyError):
        return f"{server}: the proxy refuses: {error}; check proxy-url"
    if isinstance(error, httpcore2.ConnectTimeout):
        return f"{server}: no connection within a second; check the server's address and the network between"
    what = "cannot connect" if isinstance(error, httpcore2.ConnectError) else "the connection broke"
    return f"{server}: {what}: {_reason(cause)}"


def _reason(cause: BaseException) -> str:
    # The network library wraps what the system says of a single address into a summary of attempts.
    while isinstance(cause.__cause__, OSError):
        cause = cause.__cause__
    if isinstance(cause, OSError) and cause.errno is not None:
        # The errors of name resolution have negative numbers and texts of their own.
        return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
    return str(cause) or type(cause).__name__
