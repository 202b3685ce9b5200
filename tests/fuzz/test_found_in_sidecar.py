"""What fuzzing has found in the sidecar's HTTP surface."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.fuzz.http_bytes import check_answers
from tests.fuzz.sidecar import make_target

Ask = Callable[..., bytes]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Send bytes to a sidecar and go away; return what it answered, after a look that nothing is left."""
    target = make_target()

    def send(*pieces: bytes) -> bytes:
        answers, closed = target.exchange(list(pieces))
        check_answers(answers, closed)
        target.check_state()
        return answers

    yield send
    target.close()


@pytest.mark.parametrize("path", ["x:80", "/", "/leader", "/events", "/healthz"])
def test_no_tunnel_is_opened(ask: Ask, path: str) -> None:
    assert ask(f"CONNECT {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).startswith(b"HTTP/1.1 405 ")


def test_the_head_of_the_stream_has_an_end(ask: Ask) -> None:
    assert ask(b"HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("behind", [b"\x00" * 70000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"3;x"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_stream_whose_client_left_behind_another_request_ends(ask: Ask, method: str, behind: bytes) -> None:
    assert ask(f"{method} /events HTTP/1.1\r\nHost: x\r\n\r\n".encode(), behind).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/", "/leader", "/events", "/healthz", "/readyz"])
def test_a_body_that_is_malformed_while_it_is_answered_is_no_fault_of_the_server(ask: Ask, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    ask(head + b"zz\r\n")
    ask(head, b"zz\r\n")
    ask(head.replace(b"HTTP/1.1", b"HTTP/1.0"), b"zz\r\n")
    ask(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), b"zz\r\n")
    ask(head, b"1;x=" + b"y" * 70000)
