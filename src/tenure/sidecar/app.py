"""App: the sidecar's routes, as a bare ASGI application (a framework would cost 3 MiB for five answers)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tenure.clock import boot_time
from tenure.serving import Receive, Scope, Send
from tenure.sidecar.outlook import Outlook, Standing

__all__ = ["App"]

_KEEP_ALIVE_S = 15.0
_JSON, _TEXT, _EVENTS = b"application/json", b"text/plain; charset=utf-8", b"text/event-stream"


class App:
    """Answers who leads. Every path that is none of its own is answered like ``/``, as the original did.

    Args:
        outlook: knows who leads.
        max_streams: how many event streams there may be at a time; one more is refused.
    """

    def __init__(self, outlook: Outlook, *, max_streams: int = 2048) -> None:
        self._outlook = outlook
        self._max_streams = max_streams
        self._streams: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "CONNECT":  # an answer of 200 would open a tunnel
            await _send(send, 405, _TEXT, b"CONNECT is not possible here: ask GET /leader\n")
            return
        match scope["path"]:
            case "/events" if scope["method"] == "HEAD":
                # Nothing is ever sent to it after this, so that it would never be seen to go away.
                await send(_start(200, _EVENTS))
                await send({"type": "http.response.body", "body": b""})
            case "/events":
                await self._stream(receive, send)
            case "/leader":
                await self._answer_leader(send)
            case "/healthz":
                await self._answer_health(send)
            case "/readyz":
                await self._answer_readiness(send)
            case _:
                await self._answer_name(send)

    async def streams_ended(self, timeout: float) -> None:
        """Wait until the event streams have said their last word, for `timeout` seconds."""
        if self._streams:
            await asyncio.wait(self._streams, timeout=timeout)

    async def _answer_name(self, send: Send) -> None:
        await self._outlook.settle()
        name = self._outlook.look().holder or ""
        await _send(send, 200, _JSON, _encode({"name": name}))

    async def _answer_leader(self, send: Send) -> None:
        await self._outlook.settle()
        standing = self._outlook.look()
        answer = self._describe(standing)
        answer["valid_for_ms"] = standing.valid_for_ms(boot_time())
        answer["valid_until_boottime_s"] = round(standing.valid_until, 6) if standing.is_leader else None
        await _send(send, 200 if standing.is_leader else 503, _JSON, _encode(answer))

    async def _answer_health(self, send: Send) -> None:
        await self._outlook.settle()
        if self._outlook.is_stuck():
            await _send(send, 503, _TEXT, b"the renewal loop is stuck: a term has run out unnoticed\n")
        else:
            await _send(send, 200, _TEXT, b"ok\n")

    async def _answer_readiness(self, send: Send) -> None:
        await self._outlook.settle()
        standing = self._outlook.look()
        if standing.holder is None:
            await _send(send, 503, _TEXT, f"leader unknown: {standing.reason}\n".encode())
        elif standing.is_leader:
            await _send(send, 200, _TEXT, b"ok\n")
        else:  # ready, so that a rollout goes on: nobody should wait for a replica to lead
            await _send(send, 200, _TEXT, f"standby: {standing.holder or 'nobody'} leads\n".encode())

    async def _stream(self, receive: Receive, send: Send) -> None:
        if len(self._streams) >= self._max_streams:
            await _send(
                send, 503, _TEXT, b"too many event streams: ask GET /leader again and again instead\n"
            )
            return
        stream = asyncio.current_task()
        assert stream is not None
        self._streams.add(stream)
        gone = asyncio.create_task(_disconnected(receive), name="tenure stream's client")
        try:
            await self._outlook.settle()
            await send(_start(200, _EVENTS))
            await self._tell(send, gone)
        finally:
            gone.cancel()
            self._streams.discard(stream)

    async def _tell(self, send: Send, gone: asyncio.Future[None]) -> None:
        """Send the present state and then every change; to a slow client the newest only."""
        told = b""
        while not gone.done():
            news, ended = self._outlook.news, self._outlook.ended
            event = b"event: leader\ndata: " + _encode(self._describe(self._outlook.look())) + b"\n\n"
            chunk = event if event != told else b": still so\n\n"
            await send({"type": "http.response.body", "body": chunk, "more_body": not ended})
            if ended:
                return
            told = event
            await asyncio.wait({news, gone}, timeout=_KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)

    def _describe(self, standing: Standing) -> dict[str, Any]:
        return {
            "election": self._outlook.election,
            "holder": standing.holder,
            "identity": self._outlook.identity,
            "is_leader": standing.is_leader,
            "token": None if standing.token is None else str(standing.token),
            "reason": standing.reason,
        }


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _encode(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


def _start(status: int, content_type: bytes, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    every = [(b"content-type", content_type), (b"cache-control", b"no-store"), *headers]
    return {"type": "http.response.start", "status": status, "headers": every}


async def _send(send: Send, status: int, content_type: bytes, body: bytes) -> None:
    await send(_start(status, content_type, (b"content-length", str(len(body)).encode())))
    await send({"type": "http.response.body", "body": body})
