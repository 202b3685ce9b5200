"""ApiServer: a scripted HTTP server on loopback that records what arrives."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived; `connection` counts the connections of the server from 1."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    client_name: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back; a `body` that is no bytes is sent as JSON."""

    body: Any = b""
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    close: bool = False


class Conversation:
    """For answers that are no plain answers: chunks of a watch, silence, torn bodies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def begin_chunks(self) -> None:
        await self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def wait_closed_by_peer(self) -> None:
        while await self._reader.read(1024):
            pass

    def close(self) -> None:
        self._writer.close()


Handler = Callable[[Seen, Conversation], Awaitable[Answer | None]]


class ApiServer:
    """Give it a handler, or a list of answers that are used up one by one (the last one stays)."""

    def __init__(
        self, *answers: Answer, handler: Handler | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._answers = list(answers)
        self._handler = handler
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.seen: list[Seen] = []
        self.server_names: list[str | None] = []
        self.connections = 0
        self.open = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        if self._tls is not None:
            self._tls.sni_callback = lambda _, name, __: self.server_names.append(name)
        self._changed = asyncio.Condition()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_all_closed(self, but: int = 0) -> None:
        """Wait until the client has closed every connection, or all but so many."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.open == but)

    def stop_listening(self) -> None:
        """Take no new connections; the open ones stay."""
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        number = self.connections
        try:
            while (seen := await self._read(reader, writer, number)) is not None:
                self.seen.append(seen)
                if not await self._answer(seen, Conversation(reader, writer), writer):
                    break
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            async with self._changed:
                self._changed.notify_all()
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(self, seen: Seen, conversation: Conversation, writer: asyncio.StreamWriter) -> bool:
        if self._handler is not None:
            answer = await self._handler(seen, conversation)
        else:
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            return False
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        head = f"HTTP/1.1 {answer.code} Whatever\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        await conversation.send(head.encode() + b"\r\n" + body)
        return not answer.close

    @staticmethod
    async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> Seen | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        request, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = request.split(" ")
        certificate = writer.get_extra_info("peercert") or {}
        subject = dict(pair for part in certificate.get("subject", ()) for pair in part)
        return Seen(method, path, headers, body, number, subject.get("commonName", ""))


def lease(name: str = "reports", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "default", "resourceVersion": "7", "uid": "u-1"},
        "spec": spec,
    }


def status(code: int, reason: str, message: str, **details: Any) -> Answer:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }
    return Answer(body, code)
