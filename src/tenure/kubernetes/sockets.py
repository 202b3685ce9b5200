"""Sockets: the network backend under the HTTP pool, which bounds connecting and lets dead peers die."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore2

__all__ = ["SocketBackend"]

# A SYN is answered within a round trip or not at all; the budget is better spent on the next address.
_CONNECT_TIMEOUT_S = 1.0

# A half-open watch dies within about half a minute.
_DEAD_AFTER_S = 30
_KEEPALIVE: tuple[httpcore2.SOCKET_OPTION, ...] = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (
            ("TCP_KEEPIDLE", _DEAD_AFTER_S // 2),
            ("TCP_KEEPINTVL", 5),
            ("TCP_KEEPCNT", 3),
            ("TCP_USER_TIMEOUT", _DEAD_AFTER_S * 1000),
        )
        if hasattr(socket, name)
    ),
)


class SocketBackend(httpcore2.AsyncNetworkBackend):
    """Opens the sockets of a pool."""

    def __init__(self) -> None:
        # The class is defined conditionally, which type checkers cannot follow.
        self._network = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of `host` that answers, each within one second.

        The name is resolved outside that second: a resolver whose first server is down takes five.
        """
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in await _resolve(host, port):
            try:
                stream = await self._network.connect_tcp(
                    address, port, timeout=_CONNECT_TIMEOUT_S, socket_options=_KEEPALIVE
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream)
        raise failure


class _Stream(httpcore2.AsyncNetworkStream):
    """A stream whose TLS handshake is bounded by the call alone, and whose socket does not survive it."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return _Stream(await self._stream.start_tls(ssl_context, server_hostname))
        except BaseException:
            # The library leaves the socket open when the handshake is cancelled.
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def _resolve(host: str, port: int) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore2.ConnectError(error) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
