"""HttpBytes: requests as no client writes them, and what a server may write in answer."""

from __future__ import annotations

import json
import random
import re
from urllib.parse import quote

from tests.fuzz.values import mutate_bytes, odd_text

__all__ = ["check_answers", "requests_of"]

_METHODS = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "TRACE", "get", "X" * 300, "")
_TARGETS = (
    *("/", "/leader", "/events", "/healthz", "/readyz", "/leader/", "//leader", "/%00", "/%ff%fe", "*", ""),
    *("http://x/leader", "x:80", "/?a=" + "b" * 9000, "/" + "a" * 70000, "/leader#x", "/..//leader", "\xe9"),
)
_VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 x", "")
_HEADERS = (
    *("Host: x", "Connection: close", "Connection: keep-alive", "Connection: upgrade", "Upgrade: websocket"),
    *("Upgrade: h2c", "Expect: 100-continue", "Content-Length: 3", "Content-Length: 0", "Content-Length: -1"),
    *("Content-Length: " + "9" * 30, "Content-Length: 3, 3", "Transfer-Encoding: chunked", "X: \x00", "X"),
    *("Transfer-Encoding: gzip, chunked", "Sec-WebSocket-Key: x", "X: " + "y" * 20000, " folded", ": x"),
    *("Accept: text/event-stream", "Cookie: \xff", "Host: a, b", "Host: x\r\nHost: y", "Content-Type: x"),
)
_BODIES = (
    b"",
    b"abc",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"zz\r\n",
    b"fffffffff\r\n",
    b"3;x=" + b"y" * 20000,
    b"\x00" * 70000,
)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [ -~]*")


def requests_of(decisions: random.Random) -> list[bytes]:
    """Return the bytes of up to three requests on one connection, in the pieces in which they are sent."""
    text = b"".join(_request(decisions) for _ in range(decisions.choice((1, 1, 1, 2, 3))))
    if decisions.random() < 0.4:
        text = mutate_bytes(decisions, text)
    cuts = sorted(decisions.randrange(len(text) + 1) for _ in range(decisions.choice((0, 0, 1, 2))))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if begin < end]


def _request(decisions: random.Random) -> bytes:
    target = decisions.choice(_TARGETS)
    if decisions.random() < 0.2:
        target = f"/{quote(odd_text(decisions).encode('utf-8', 'replace'))}"
    lines = [f"{decisions.choice(_METHODS)} {target} {decisions.choice(_VERSIONS)}"]
    lines += ["Host: x"] if decisions.random() < 0.9 else []
    lines += [decisions.choice(_HEADERS) for _ in range(decisions.choice((0, 0, 1, 2, 5)))]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head + (decisions.choice(_BODIES) if decisions.random() < 0.4 else b"")


def check_answers(data: bytes, closed: bool) -> None:
    """Read what a server wrote: whole answers, of which an endless one may be the last.

    Args:
        data: all of it.
        closed: whether the server closed the connection.

    Raises:
        AssertionError: it is malformed, a failure of the server, or a refusal without a reason in one line.
    """
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, f"a head without end: {head!r:.200}"
        first, *lines = head.split(b"\r\n")
        status = _STATUS.fullmatch(first)
        assert status, f"no status line: {first!r}"
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        if status[1] == b"100":
            continue
        body, data = _body(headers, data)
        _check_meaning(int(status[1]), headers, body)


def _body(headers: dict[bytes, bytes], data: bytes) -> tuple[bytes | None, bytes]:
    """Return the body (None: not whole, or not sent because of a HEAD) and what follows it."""
    if not data or data.startswith(b"HTTP/1.1 "):
        return None, data
    if b"content-length" in headers:
        length = int(headers[b"content-length"])
        assert len(data) >= length, "a body that is cut off"
        return data[:length], data[length:]
    if headers.get(b"transfer-encoding") != b"chunked":
        return data, b""
    body = b""
    while data:
        size, end, data = data.partition(b"\r\n")
        length = int(size, 16)
        assert end
        assert data[length : length + 2] == b"\r\n", "a chunk that is cut off"
        chunk, data = data[:length], data[length + 2 :]
        if not length:
            return body, data
        body += chunk
    return None, b""


def _check_meaning(code: int, headers: dict[bytes, bytes], body: bytes | None) -> None:
    assert code in (200, 400, 405, 503), code
    if body is None or headers[b"content-type"] == b"text/event-stream":
        return
    if headers[b"content-type"] == b"application/json":
        answer = json.loads(body)
        assert "name" in answer or (answer["is_leader"] is (code == 200))
    else:
        assert len(body.splitlines()) == 1, body
        assert code != 503 or body.startswith(b"leader unknown: "), body
