"""Store: what leaders write to, behind a fence; it listens on a path, which works across namespaces."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tenure import StaleTokenError
from tenure.clock import boot_time
from tenure.fencing.ledger import raise_ledger
from tenure.token import FencingToken

__all__ = ["Store", "Write", "late_writes", "write"]

_TIMEOUT_S = 10.0  # generous: the machine may be busy


@dataclass(frozen=True, slots=True)
class Write:
    """One write, accepted or refused: by whom, with which token, when (boot time, seconds)."""

    who: str
    token: int
    at: float


class Store:
    """Takes writes for the time of the block, one after another.

    The fence is the ledger that stands in Kubernetes objects and in object storage too.

    Args:
        path: of its socket.

    Attributes:
        accepted: the writes that were accepted, in that order.
        refused: those that the fence has refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.accepted: list[Write] = []
        self.refused: list[Write] = []
        self._ledger: str | None = None
        self._writing = threading.Lock()

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="store")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, who: str, token: FencingToken, *, fenced: bool) -> bool:
        """Take a write, or refuse it; return whether it was taken."""
        with self._writing:
            one = Write(who, int(token), boot_time())
            try:
                if fenced:
                    self._ledger = raise_ledger(self._ledger, token, "the store")
            except StaleTokenError:
                self.refused.append(one)
                return False
            self.accepted.append(one)
            return True


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A thread for each write, so that a writer that is frozen half-way keeps nobody waiting."""

    daemon_threads = True

    def __init__(self, store: Store) -> None:
        self.store = store
        super().__init__(str(store.path), _Handler)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        if line := self.rfile.readline():
            who, text, election, fenced = json.loads(line)
            taken = self.server.store.take(who, FencingToken.parse(text, election), fenced=fenced)
            self.wfile.write(b"accepted\n" if taken else b"refused\n")


def write(path: Path, who: str, token: FencingToken, *, fenced: bool = True) -> None:
    """Write to the store at this path; without `fenced` past its fence, as nobody should.

    Raises:
        StaleTokenError: the fence has refused it.
        OSError: the store is gone.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT_S)
        connection.connect(str(path))
        connection.sendall(json.dumps([who, str(token), token.election, fenced]).encode() + b"\n")
        if connection.makefile("rb").readline() == b"refused\n":
            raise StaleTokenError(f"the store refuses {token}")


def late_writes(accepted: Sequence[Write]) -> list[Write]:
    """Return the accepted writes that came after one with a higher token."""
    late: list[Write] = []
    highest = -1
    for one in accepted:
        if one.token < highest:
            late.append(one)
        highest = max(highest, one.token)
    return late
