"""HealthCheck: what counts as fit, and what is said of the rest."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tenure.errors import ConfigurationError
from tenure.sidecar.health import HealthCheck
from tests.sidecar.process import free_port


@contextmanager
def endpoint(status: int) -> Iterator[str]:
    """Serve a health endpoint that answers with this status; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/healthz?full=1"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [200, 204, 302, 399])
def test_an_answer_below_400_is_a_yes(status: int) -> None:
    with endpoint(status) as url:
        assert asyncio.run(HealthCheck(url).ask())


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_any_other_answer_is_a_no_that_says_why(status: int) -> None:
    with endpoint(status) as url, pytest.raises(ConnectionError, match=f"answers {status}"):
        asyncio.run(HealthCheck(url).ask())


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
