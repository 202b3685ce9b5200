"""HealthCheck: what counts as fit, and what is said of the rest."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import pytest

from tenure.errors import ConfigurationError
from tenure.sidecar.health import HealthCheck
from tests.sidecar.process import free_port


class Endpoint:
    """A program's health endpoint.

    Attributes:
        status: with which it answers.
        url: where.
    """

    def __init__(self, status: int) -> None:
        self.status = status
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(endpoint.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/healthz?full=1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.mark.parametrize("status", [200, 204, 302, 399])
def test_an_answer_below_400_is_a_yes(status: int) -> None:
    with Endpoint(status) as endpoint:
        assert asyncio.run(HealthCheck(endpoint.url).ask())


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_any_other_answer_is_a_no_that_says_why(status: int) -> None:
    with Endpoint(status) as endpoint, pytest.raises(ConnectionError, match=f"answers {status}"):
        asyncio.run(HealthCheck(endpoint.url).ask())


def test_no_answer_is_a_no() -> None:
    with pytest.raises(ConnectionError, match=r"does not answer: .+"):
        asyncio.run(HealthCheck(f"http://127.0.0.1:{free_port()}/").ask())


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8080", "https://localhost/", "http:///x", "http://h:0/", "http://h:x/", "http://h/a b"],
)
def test_what_cannot_be_asked_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is no URL of a health check"):
        HealthCheck(url)
