"""A receiver of HTTP requests, which can keep one of them waiting."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tenure import FencingToken

__all__ = ["Receiver", "Request"]


@dataclass(frozen=True)
class Request:
    """What somebody sent."""

    key: str
    token: FencingToken
    text: str


@dataclass
class Receiver:
    """Serves on a free port for as long as the block runs.

    Attributes:
        held_key: who sends this key first gets no answer to it until `release` is set; a successor does.
        held: a request with that key has come.
        fenced: refuse a token lower than the highest one seen.
        requests: all that came, in order, the refused ones not.
    """

    held_key: str = ""
    fenced: bool = False
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    @property
    def tokens(self) -> list[FencingToken]:
        """The tokens of all requests."""
        return [request.token for request in self.requests]

    def take(self, request: Request) -> int:
        """Take one request, or keep it waiting; return the status of the answer."""
        with self._lock:
            if self.fenced and self.requests and request.token < max(self.tokens):
                return 412
            self.requests.append(request)
            first = next((known for known in self.requests if known.key == self.held_key), None)
            hold = first is not None and (request.key, request.token) == (first.key, first.token)
            if hold:
                self.held.set()
        if hold:
            self.release.wait()
        return 204

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                key, token = self.headers.get("Idempotency-Key", ""), self.headers["Fencing-Token"]
                status = receiver.take(Request(key, FencingToken.parse(token), text))
                try:
                    self.send_response(status)
                    self.end_headers()
                except OSError:
                    pass  # whoever asked is dead

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
