"""One request to an ASGI application in this process, whose client goes away in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from tenure.serving import ASGIApplication, Message

__all__ = ["Reply", "Sent", "send"]

_PATIENCE = 8
"""How many rounds of the event loop a client waits for a stream before it goes away."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request as it leaves the client.

    Attributes:
        target: path and query, as in the request line.
        chunks: of the body; the client goes away before the last one if it is None.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    chunks: Sequence[bytes | None] = (b"",)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer; `code` is 0 where there is none, because the client went away."""

    code: int
    headers: dict[bytes, bytes]
    body: bytes


async def send(app: ASGIApplication, request: Sent) -> Reply:
    """Send a request as uvicorn hands it on.

    Raises:
        Exception: what the application raises; a server would answer with 500 and log it.
    """
    path, _, query = request.target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8001),
        "state": {},
    }
    pending = list(request.chunks)
    answers: list[Message] = []

    async def receive() -> Message:
        if pending and (chunk := pending.pop(0)) is not None:
            return {"type": "http.request", "body": chunk, "more_body": bool(pending)}
        for _ in range(_PATIENCE):
            await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def take(message: Message) -> None:
        answers.append(message)

    await app(scope, receive, take)
    return _reply(answers)


def _reply(answers: list[Message]) -> Reply:
    if not answers:
        return Reply(code=0, headers={}, body=b"")
    start, *parts = answers
    assert start["type"] == "http.response.start"
    assert all(part["type"] == "http.response.body" for part in parts)
    body = b"".join(part.get("body", b"") for part in parts)
    return Reply(code=start["status"], headers=dict(start["headers"]), body=body)
