"""Clients of a sidecar that do it no good, as raw sockets: many at a time, and none of them in a hurry."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["STREAM", "connect", "is_cut_off", "send_what_fits", "streams"]

STREAM = b"GET /events HTTP/1.1\r\nHost: test\r\n\r\n"
_SMALLEST = 1  # the kernel makes it the smallest receive buffer that it knows


def connect(port: int, request: bytes = b"", *, stalled: bool = False) -> socket.socket:
    """Connect and send; `stalled`: with a window that a few events fill."""
    client = socket.socket()
    if stalled:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALLEST)
    client.connect(("127.0.0.1", port))
    client.sendall(request)
    client.setblocking(False)
    return client


@contextmanager
def streams(port: int, number: int) -> Iterator[list[socket.socket]]:
    """Hold event streams open and read nothing of them."""
    with ExitStack() as stack:
        yield [stack.enter_context(connect(port, STREAM, stalled=True)) for _ in range(number)]


def send_what_fits(client: socket.socket, data: bytes) -> bool:
    """Send what the other side takes at the moment; return whether it still takes anything."""
    try:
        client.send(data)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def is_cut_off(client: socket.socket) -> bool:
    """Tell whether the other side has closed the connection; reads what it sent before."""
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
