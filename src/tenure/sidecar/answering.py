"""Answering: a candidate's HTTP, for as long as it campaigns."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tenure.serving import Limits, serve
from tenure.sidecar.app import App
from tenure.sidecar.outlook import Outlook

__all__ = ["answering"]

# Connections inherit it. Left to itself, the kernel keeps megabytes for each client that does not read, and
# the Pod pays for them out of its memory.
_BUFFER_BYTES = 16 * 1024
_LAST_WORD_S = 0.2
"""How long the event streams may take to tell that they end."""


@asynccontextmanager
async def answering(listener: socket.socket | None, outlook: Outlook) -> AsyncIterator[None]:
    """Answer over HTTP for as long as the block runs, and let the streams say their last word."""
    if listener is None:
        yield
        return
    for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        listener.setsockopt(socket.SOL_SOCKET, buffer, _BUFFER_BYTES)
    limits = Limits.of_process()
    app = App(outlook, max_streams=limits.connections // 2)
    async with serve(app, sockets=[listener], limits=limits):
        try:
            yield
        finally:
            outlook.end()
            await app.streams_ended(_LAST_WORD_S)
