"""One request to an ASGI application, without a server."""

from __future__ import annotations

from tenure.serving import ASGIApplication, Message

__all__ = ["answer_of"]


async def answer_of(app: ASGIApplication, path: str) -> tuple[int, bytes]:
    """GET a path; return the status and the body."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app({"type": "http", "method": "GET", "path": path}, receive, send)
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:])
