"""Exchanges: the requests that an application is answering, so that they can be ended."""

from __future__ import annotations

import asyncio
from typing import Any

from tenure.serving.asgi import ASGIApplication, Message, Receive, Scope, Send

__all__ = ["FLUSH_GRACE_S", "Exchanges"]

FLUSH_GRACE_S = 0.2
"""How long the last bytes may take to leave; a client that does not read them is cut off."""
_ANSWER_GRACE_S = 0.3
"""How long a request that has no answer yet may go on when the server closes; streams end at once."""


class Exchanges:
    """The application, with every request under way in view, so that they can be ended."""

    def __init__(self, app: ASGIApplication) -> None:
        self._app = app
        self._open: dict[asyncio.Task[Any], _Exchange] = {}
        self._ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        exchange = self._open[task] = _Exchange(send)
        try:
            await self._app(scope, receive, exchange.send)
        except asyncio.CancelledError:
            if not self._ending:
                raise
            task.uncancel()
            await exchange.finish()
        finally:
            del self._open[task]

    async def end(self) -> None:
        """Cancel what has begun to answer, then, after a grace, the rest; returns when all have ended."""
        self._ending = True
        tasks = set(self._open)
        for task, exchange in self._open.items():
            if exchange.started:
                task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_ANSWER_GRACE_S)
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(set(self._open), timeout=FLUSH_GRACE_S)


class _Exchange:
    """One request and how far its answer has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_length = False
        self.started = False
        self._complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._has_length = any(
                name.lower() == b"content-length" for name, _ in message.get("headers", ())
            )
        elif message["type"] == "http.response.body":
            self._complete = not message.get("more_body", False)
        await self._send(message)

    async def finish(self) -> None:
        """End the answer properly, so that a client sees the end of a stream and not a broken one."""
        if self._complete:
            return
        if not self.started:
            headers = [(b"connection", b"close"), (b"content-length", b"0")]
            await self._send({"type": "http.response.start", "status": 503, "headers": headers})
        if not self._has_length:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
