"""Chunks: messages that are longer than a packet may be, cut and joined again, in UTF-16 units."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass, field

from tenure.errors import ConfigurationError
from tenure.peer.democracy.packets import Chunk

__all__ = ["LONGEST_MESSAGE", "MOST_CHUNKS", "SMALLEST_PACKET", "Assembly", "cut"]

LONGEST_MESSAGE = 2**18
"""UTF-16 units; a longer one is neither sent nor put together."""
SMALLEST_PACKET = 308
"""So that the longest message fits into `MOST_CHUNKS`."""
MOST_CHUNKS = 1024
"""Of one message."""
_WRAPPER = 52  # units of max_packet_size that are kept free for what surrounds a chunk
_CHUNK_COST = 512  # what it takes to keep a chunk, beside its text
_ROOM = 2**20  # for all unfinished messages together: one of the longest fits


def cut(text: str, max_packet_size: int, packet: str) -> list[bytes]:
    """Return the datagrams of a message: itself, or its chunks under the name `packet`.

    Raises:
        ConfigurationError: it is longer than members put together.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) > 2 * LONGEST_MESSAGE:
        raise ConfigurationError(
            f"a message of {len(units) // 2} characters is longer than {LONGEST_MESSAGE}: send less at once"
        )
    if len(units) <= 2 * max_packet_size:
        return [text.encode()]
    size = 2 * (max_packet_size - _WRAPPER)
    count = -(-len(units) // size)
    pieces = (units[start : start + size] for start in range(0, len(units), size))
    return [
        _wrap(piece.decode("utf-16-le", "surrogatepass"), packet, count, index)
        for index, piece in enumerate(pieces)
    ]


def _wrap(piece: str, packet: str, count: int, index: int) -> bytes:
    chunk = {"chunk": piece, "id": packet, "c": count, "i": index}
    # A pair that was cut in two is written as JSON escapes, as democracy.js does it.
    return json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


@dataclass
class _Unfinished:
    count: int
    began_at: float
    parts: dict[int, str] = field(default_factory=dict)
    cost: int = 0


class Assembly:
    """Messages of which some chunks are missing; within bounds, the oldest are forgotten first.

    Args:
        patience: seconds for which a message may stay unfinished.

    Attributes:
        cost: units of text that are kept, and some for keeping them; never above `room`.
        room: the bound.
    """

    room = _ROOM

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._unfinished: dict[Hashable, _Unfinished] = {}  # oldest first
        self.cost = 0

    def add(self, sender: Hashable, chunk: Chunk, now: float) -> str | None:
        """Keep a chunk from `sender`; return the message that it completes, if it does."""
        self.forget(now)
        if chunk.count > MOST_CHUNKS:
            return None
        key = (sender, chunk.packet)
        message = self._unfinished.setdefault(key, _Unfinished(chunk.count, now))
        if message.count != chunk.count or chunk.index in message.parts:
            return None
        message.parts[chunk.index] = chunk.text
        cost = len(chunk.text) + _CHUNK_COST
        message.cost += cost
        self.cost += cost
        if len(message.parts) == message.count:
            self._drop(key)
            return _join(message)
        while self.cost > self.room:
            self._drop(next(iter(self._unfinished)))
        return None

    def forget(self, now: float) -> None:
        """Drop what has stayed unfinished for too long."""
        while self._unfinished:
            key, oldest = next(iter(self._unfinished.items()))
            if now - oldest.began_at <= self._patience:
                return
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        self.cost -= self._unfinished.pop(key).cost


def _join(message: _Unfinished) -> str:
    text = "".join(message.parts[index] for index in range(message.count))
    # Joins the halves of surrogate pairs; those that find no other half are no text.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
