"""Transport: carries a request to the API server and its answer back: identity, retry, deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import cache
from importlib.metadata import version
from typing import NamedTuple
from urllib.parse import urlsplit

import httpcore2

from tenure.errors import LockUnavailableError
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.connections import Connections, Exchange
from tenure.kubernetes.identity import Identity
from tenure.kubernetes.operation import Operation
from tenure.kubernetes.status import make_error

__all__ = ["Outgoing", "Transport"]

# No object that an election reads comes near it; a foreign server could send without end.
_MAX_BODY = 16 * 1024 * 1024


class Outgoing(NamedTuple):
    """A request: `target` is path and query; an empty `body` is none."""

    method: str
    target: str
    body: bytes = b""
    content_type: str = "application/json"


class Transport:
    """The one place where requests leave; knows nothing of objects."""

    def __init__(self, config: ClusterConfig) -> None:
        self._server = config.server.rstrip("/")
        self._parts = urlsplit(self._server)
        self._tls_server_name = config.tls_server_name
        self._impersonation = config.impersonation
        self._identity = Identity(config)
        self._connections = Connections(self._server, config.proxy_url)

    async def call(self, operation: Operation, outgoing: Outgoing, timeout: float) -> bytes:
        """Return the body of the successful answer; `timeout` in seconds covers everything.

        Raises:
            TenureError: what `make_error` makes of the answer, or `LockUnavailableError` if there is none.
        """
        exchange = Exchange()
        async with _deadline(operation, timeout, exchange), AsyncExitStack() as stack:
            response = await self._authorized(stack, outgoing, exchange)
            body = await _read(operation, response)
        if not 200 <= response.status < 300:
            raise make_error(operation, response.status, _headers(response), body)
        return body

    @asynccontextmanager
    async def stream(
        self, operation: Operation, outgoing: Outgoing, timeout: float
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """Yield the chunks of the successful answer's body; `timeout` in seconds covers its headers.

        Raises:
            TenureError: as `call`; `LockUnavailableError` when the stream breaks.
        """
        exchange = Exchange(endless=True)
        async with AsyncExitStack() as stack:
            async with _deadline(operation, timeout, exchange):
                response = await self._authorized(stack, outgoing, exchange)
                failure = b"" if response.status == 200 else await _read(operation, response)
            if response.status != 200:
                raise make_error(operation, response.status, _headers(response), failure)
            exchange.streaming = True
            async with aclosing(response.aiter_stream()) as chunks:
                yield chunks

    async def aclose(self) -> None:
        """Close all connections; calls and streams that still run fail."""
        await self._connections.aclose()
        await self._identity.aclose()

    async def _authorized(
        self, stack: AsyncExitStack, outgoing: Outgoing, exchange: Exchange
    ) -> httpcore2.Response:
        """Send; on a 401 once more with credentials that are had anew."""
        response = await self._fresh(stack, outgoing, exchange)
        if response.status == 401:
            await stack.aclose()
            exchange.connected = exchange.sent = False
            self._identity.expire()
            response = await self._fresh(stack, outgoing, exchange)
        return response

    async def _fresh(
        self, stack: AsyncExitStack, outgoing: Outgoing, exchange: Exchange
    ) -> httpcore2.Response:
        """Send; a read that met a connection which the server had just closed goes out once more."""
        try:
            return await self._send(stack, outgoing, exchange)
        except LockUnavailableError:
            self._identity.expire_certificates()
            if outgoing.method != "GET" or exchange.connected or not exchange.sent:
                raise
        return await self._send(stack, outgoing, exchange)

    async def _send(
        self, stack: AsyncExitStack, outgoing: Outgoing, exchange: Exchange
    ) -> httpcore2.Response:
        authorization, tls_identity = await self._identity.show()
        request = self._request(outgoing, authorization, exchange)
        return await stack.enter_async_context(self._connections.exchange(request, tls_identity, exchange))

    def _request(self, outgoing: Outgoing, authorization: str, exchange: Exchange) -> httpcore2.Request:
        headers = [
            ("Host", self._parts.netloc),
            ("Accept", "application/json"),
            ("User-Agent", _user_agent()),
            *self._impersonation,
        ]
        if authorization:
            headers.append(("Authorization", authorization))
        if outgoing.body:
            headers.append(("Content-Type", outgoing.content_type))
            headers.append(("Content-Length", str(len(outgoing.body))))
        url = httpcore2.URL(
            scheme=self._parts.scheme,
            host=self._parts.hostname or "",
            port=self._parts.port,
            target=self._parts.path + outgoing.target,
        )
        extensions: dict[str, object] = {"trace": exchange.trace}
        if self._tls_server_name:
            extensions["sni_hostname"] = self._tls_server_name
        encoded = [(name.encode("ascii"), value.encode()) for name, value in headers]
        return httpcore2.Request(
            outgoing.method, url, headers=encoded, content=outgoing.body, extensions=extensions
        )


@asynccontextmanager
async def _deadline(operation: Operation, timeout: float, exchange: Exchange) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError as error:
        what = "no answer" if exchange.sent else "nothing could be sent"
        raise LockUnavailableError(
            f"{operation}: {what} within {timeout:g} s", refused=not exchange.sent
        ) from error


async def _read(operation: Operation, response: httpcore2.Response) -> bytes:
    body = bytearray()
    async with aclosing(response.aiter_stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _MAX_BODY:
                raise LockUnavailableError(f"{operation}: the answer is longer than {_MAX_BODY} bytes")
    return bytes(body)


def _headers(response: httpcore2.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}


@cache
def _user_agent() -> str:
    return f"tenure/{version('tenure')}"
