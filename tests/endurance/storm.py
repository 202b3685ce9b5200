"""Storm: rounds of clients that are slow, silent, endless or gone, against one port."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.endurance.crowd import connect, send_what_fits

__all__ = ["Storm"]

_SLOW = 100
_DROPPED = 200
_QUESTION = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
_CLAIMED = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 104857600\r\n\r\n"
_CHUNKED = b"POST /events HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNK = b"10000\r\n" + bytes(0x10000) + b"\r\n"
_HUGE_HEADER = b"GET / HTTP/1.1\r\nHost: test\r\nX: " + b"x" * 100_000


class Storm:
    """Clients that come again and again.

    Args:
        port: whom they trouble.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._letter = 0
        self._trickling: list[socket.socket] = []
        self._feeding: list[socket.socket] = []
        self._deaf: list[socket.socket] = []

    @classmethod
    @contextmanager
    def over(cls, port: int) -> Iterator[Storm]:
        """Yield one, whose clients are gone when the block ends."""
        storm = cls(port)
        try:
            yield storm
        finally:
            for client in (*storm._trickling, *storm._feeding, *storm._deaf):
                client.close()

    def rage(self) -> None:
        """One round: each slow client a little further, and many that come and go."""
        self._trickle()
        self._feed()
        self._ask_without_listening()
        self._show_huge_headers()
        for _ in range(_DROPPED):
            connect(self._port).close()

    def _trickle(self) -> None:
        """Send one byte of each head, that of a client cut off anew."""
        letter = _QUESTION[self._letter % 20 :][:1]
        self._letter += 1
        alive = [client for client in self._trickling if send_what_fits(client, letter)]
        _close(self._trickling, alive)
        self._trickling = alive + [connect(self._port) for _ in range(_SLOW - len(alive))]

    def _feed(self) -> None:
        """Bodies: one that is too long, and one without end."""
        alive = [client for client in self._feeding if send_what_fits(client, _CHUNK)]
        _close(self._feeding, alive)
        heads = (_CLAIMED, _CHUNKED) * ((10 - len(alive)) // 2)
        self._feeding = alive + [connect(self._port, head) for head in heads]

    def _ask_without_listening(self) -> None:
        """Ask again and again on one connection, and read no answer."""
        alive = [client for client in self._deaf if send_what_fits(client, _QUESTION * 500)]
        _close(self._deaf, alive)
        self._deaf = alive + [connect(self._port, stalled=True) for _ in range(20 - len(alive))]

    def _show_huge_headers(self) -> None:
        for _ in range(5):
            with connect(self._port) as client:
                client.setblocking(True)
                try:
                    client.sendall(_HUGE_HEADER)
                    answer = client.recv(65536)
                except ConnectionError:
                    continue  # refused before all of it was sent
                assert answer.startswith(b"HTTP/1.1 400"), answer


def _close(before: list[socket.socket], alive: list[socket.socket]) -> None:
    for client in before:
        if client not in alive:
            client.close()
