"""The clients' side: every request bears its term, and a leader that wakes up late is told that it is one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import requests

from tenure import FencingToken, LeadershipLostError, NotLeaderError, StaleTokenError
from tenure.clock import boot_time
from tenure.fencing.httpx import async_event_hooks, event_hooks
from tenure.fencing.requests import FencingAdapter
from tenure.term import AnyTerm, Tenure
from tenure.testing.pytest_plugin import RunningDevServer
from tests.fencing.leaders import old_and_new
from tests.fencing.service import ELECTION, Service, serving
from tests.fencing.writes import violations

Send = Callable[[Any, str, str], tuple[int, dict[str, str]]]


def by_httpx(library: Any) -> Send:
    def send(source: Any, method: str, url: str) -> tuple[int, dict[str, str]]:
        with library.Client(event_hooks=event_hooks(source)) as client:
            answer = client.request(method, url, content=b"name" if method == "POST" else b"")
        return answer.status_code, dict(answer.request.headers)

    return send


def by_async_httpx(library: Any) -> Send:
    async def send(source: Any, method: str, url: str) -> tuple[int, dict[str, str]]:
        async with library.AsyncClient(event_hooks=async_event_hooks(source)) as client:
            answer = await client.request(method, url, content=b"name" if method == "POST" else b"")
        return answer.status_code, dict(answer.request.headers)

    return lambda *given: asyncio.run(send(*given))


def by_requests(source: Any, method: str, url: str) -> tuple[int, dict[str, str]]:
    with requests.Session() as session:
        session.mount(url, FencingAdapter(source))
        answer = session.request(method, url, data=b"name" if method == "POST" else None)
    return answer.status_code, {name.lower(): value for name, value in answer.request.headers.items()}


CLIENTS: dict[str, Send] = {
    "httpx": by_httpx(httpx),
    "httpx2": by_httpx(httpx2),
    "httpx-async": by_async_httpx(httpx),
    "httpx2-async": by_async_httpx(httpx2),
    "requests": by_requests,
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving("uvicorn", tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    """Tokens of the tests that share a service, which must rise."""
    return iter(range(10, 10**6))


def term_of(version: int, *, left_s: float = 60.0) -> AnyTerm:
    return AnyTerm(Tenure(FencingToken(0, version, ELECTION), boot_time() + left_s))


@pytest.mark.parametrize("send", CLIENTS.values(), ids=CLIENTS)
def test_requests_bear_the_term_and_a_stale_one_is_an_error(
    send: Send, service: Service, numbers: Iterator[int]
) -> None:
    old, new = next(numbers), next(numbers)
    status, headers = send(term_of(old), "POST", service.url)
    assert status == 200
    assert headers["tenure-fencing-token"] == str(old)
    assert headers["tenure-election"] == ELECTION
    assert send(lambda: term_of(new), "GET", service.url)[0] == 200
    accepted = service.history()
    with pytest.raises(
        StaleTokenError, match=rf"127\.0\.0\.1: fence fence\.db has seen token {new} .* refuses {old}"
    ):
        send(term_of(old), "POST", service.url)
    assert service.history() == accepted


@pytest.mark.parametrize("send", CLIENTS.values(), ids=CLIENTS)
def test_nothing_is_sent_outside_of_a_term(send: Send, service: Service) -> None:
    accepted = service.history()
    with pytest.raises(LeadershipLostError, match="is over"):
        send(term_of(10**9, left_s=0), "POST", service.url)
    with pytest.raises(NotLeaderError, match="does not lead"):
        send(lambda: None, "POST", service.url)
    assert service.history() == accepted


class Other412(BaseHTTPRequestHandler):
    """A service that is not fenced, and refuses a precondition of its own."""

    def do_GET(self) -> None:
        kind, body = OTHER[self.path.strip("/")]
        self.send_response(412)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


OTHER = {
    "text": ("text/plain", b"tag:tenure.dev,2026:stale-token"),
    "other": ("application/problem+json", b'{"type":"about:blank","title":"Precondition Failed"}'),
    "list": ("application/problem+json", b"[1]"),
    "broken": ("application/problem+json", b'{"type":"tag:tenure.dev,2026:stale-token"'),
}


@pytest.mark.parametrize("send", CLIENTS.values(), ids=CLIENTS)
def test_a_412_that_does_not_speak_of_a_token_is_the_callers(send: Send) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Other412) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            for path in OTHER:
                assert send(term_of(5), "GET", f"http://127.0.0.1:{server.server_port}/{path}")[0] == 412
        finally:
            server.shutdown()
            thread.join()


def test_a_missing_library_is_told_in_one_line(tmp_path: Path) -> None:
    code = "import sys; sys.modules['requests'] = None; import tenure.fencing.requests"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: tenure.fencing.requests needs requests: pip install 'tenure[requests]'"
    )


# A term is checked when a request is sent, and this one is stopped in the middle of its body.
LEADERS = {
    "requests": """
        import requests
        from tenure.fencing.requests import FencingAdapter

        def lead(term):
            with requests.Session() as session:
                session.mount(os.environ["URL"], FencingAdapter(term))
                assert session.get(os.environ["URL"]).status_code == 200  # raises the fence
                outcome(lambda: session.post(os.environ["URL"], data=body(), timeout=60).status_code)
    """,
    **{
        library: f"""
        import {library} as library
        from tenure.fencing.httpx import event_hooks

        def lead(term):
            with library.Client(event_hooks=event_hooks(term), timeout=60) as client:
                assert client.get(os.environ["URL"]).status_code == 200
                outcome(lambda: client.post(os.environ["URL"], content=body()).status_code)
    """
        for library in ("httpx", "httpx2")
    },
    **{
        f"{library}-async": f"""
        import {library} as library
        from tenure.fencing.httpx import async_event_hooks

        async def late_body():
            for part in body():
                yield part

        async def post(term):
            async with library.AsyncClient(event_hooks=async_event_hooks(term), timeout=60) as client:
                assert (await client.get(os.environ["URL"])).status_code == 200
                return (await client.post(os.environ["URL"], content=late_body())).status_code

        def lead(term):
            outcome(lambda: asyncio.run(post(term)))
    """
        for library in ("httpx", "httpx2")
    },
}
BODY = """
        def body():
            yield b"written-by-"
            pause()
            yield str(term.token).encode()
"""


@pytest.mark.parametrize(
    ("server", "client"), [("gunicorn", "requests"), *(("uvicorn", name) for name in LEADERS)]
)
def test_a_leader_that_is_resumed_in_the_middle_of_a_request_is_refused(
    server: str,
    client: str,
    tmp_path: Path,
    tenure_devserver: RunningDevServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "service"
    folder.mkdir()
    with serving(server, folder) as service:
        monkeypatch.setenv("URL", service.url)
        with old_and_new(BODY + LEADERS[client], tenure_devserver.kubeconfig) as (old, _):
            accepted = service.history()
            assert len(accepted) == 1
            assert old.says().startswith("StaleTokenError 127.0.0.1: fence fence.db has seen token")
            assert service.history() == accepted
            assert accepted[0].name == f"written-by-{accepted[0].token}"
            assert violations(accepted, accepted) == []
