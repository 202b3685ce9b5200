"""A receiver of HTTP requests behind a fence, which can keep the sender of one of them waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tenure import FencingToken
from tenure.fencing.sqlite import BlockingSqliteFence
from tenure.fencing.wsgi import FencingMiddleware

__all__ = ["Receiver", "Request"]

ELECTION = "default/example"


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
        folder: for the file of its fence.
        held_key: who sends this key first gets no answer to it until `release` is set; a successor does.
        held: a request with that key has come.
        requests: all that passed the fence, in order.
        refused: the tokens that did not.
        fence: the highest token.
    """

    folder: Path
    held_key: str = ""
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    requests: list[Request] = field(default_factory=list)
    refused: list[FencingToken] = field(default_factory=list)
    fence: BlockingSqliteFence = field(init=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    @property
    def tokens(self) -> list[FencingToken]:
        """The tokens of all requests that passed."""
        return [request.token for request in self.requests]

    def take(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Take one request; the fence is held meanwhile."""
        text, key = environ["wsgi.input"].read().decode(), environ.get("HTTP_IDEMPOTENCY_KEY", "")
        self.requests.append(Request(key, environ["tenure.token"], text))
        start_response("200 OK", [])
        return []

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request, or keep its sender waiting, as slow networks do: the fence is free by then."""
        token = FencingToken.parse(environ["HTTP_TENURE_FENCING_TOKEN"], environ["HTTP_TENURE_ELECTION"])
        started: list[Any] = []
        taken = self._fenced(environ, lambda *given: started.extend(given))
        body = list(taken)
        if close := getattr(taken, "close", None):
            close()
        if started[0].startswith("412"):
            self.refused.append(token)
        first = next((known for known in self.requests if known.key == self.held_key), None)
        if first and environ.get("HTTP_IDEMPOTENCY_KEY") == first.key and token == first.token:
            self.held.set()
            self.release.wait()
        start_response(*started)
        return body

    def __enter__(self) -> Self:
        self.fence = BlockingSqliteFence(self.folder / "receiver.fence")
        self._fenced = FencingMiddleware(self.take, {ELECTION: self.fence})

        class Server(ThreadingMixIn, WSGIServer):
            daemon_threads = False

        class Handler(WSGIRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

        self._server = make_server("127.0.0.1", 0, self.answer, Server, Handler)
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
