"""One connection of a candidate, carried on to the API server request by request."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import h11

from tests.chaos.trouble import Trouble, Troubles

__all__ = ["Dial", "Relay", "Streams"]

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Streams]]

T = TypeVar("T")

PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>502 Bad Gateway</body>\r\n</html>\r\n"


class Relay:
    """Carries requests and answers, as they stream, and does to them what `troubles` say.

    HTTP/1.1, one connection to the server for each one of the candidate, so that an answer cannot go astray.

    Args:
        candidate: the connection of the candidate.
        dial: opens one to the API server.
        troubles: asked at each step, so that a fault also strikes answers that have begun.
        rng: draws which requests a fault concerns.
    """

    def __init__(self, candidate: Streams, dial: Dial, troubles: Troubles, rng: random.Random) -> None:
        self._candidate = _Side(h11.SERVER, *candidate)
        self._server: _Side | None = None
        self._dial = dial
        self._troubles = troubles
        self._rng = rng
        self._lot = 0.0

    async def run(self) -> None:
        """Carry until either side has closed."""
        try:
            while True:
                request = await self._next_request()
                self._lot = self._rng.random()
                await self._carry(request)
                self._candidate.http.start_next_cycle()
        except (OSError, h11.ProtocolError, _EndedError):
            pass
        finally:
            self._candidate.close()
            if self._server is not None:
                self._server.close()

    def reset(self) -> None:
        """End the candidate's connection with RST."""
        self._candidate.reset()

    async def _next_request(self) -> list[h11.Event]:
        request = self._candidate.message()
        if self._server is None:
            return await request
        return await _first(request, self._server.gone())

    async def _carry(self, request: list[h11.Event]) -> None:
        was_held = await self._hold()
        if self._is_concerned(lambda trouble: trouble.swallow_requests):
            await self._candidate.gone()
        if self._is_concerned(lambda trouble: trouble.bad_gateway == "before"):
            await self._answer_page()
        server = await self._forward(request)
        if was_held:  # nobody may wait for it any longer, and it must arrive all the same
            await server.stir()
        await _first(self._carry_answer(server), self._candidate.gone())

    async def _forward(self, request: list[h11.Event]) -> _Side:
        if self._server is None:
            self._server = _Side(h11.CLIENT, *await self._dial())
        else:
            self._server.http.start_next_cycle()
        for event in request:
            await self._server.send(event)
        return self._server

    async def _carry_answer(self, server: _Side) -> None:
        is_page = self._is_concerned(lambda trouble: trouble.bad_gateway == "after")
        while True:
            event = await server.receive()
            if self._is_concerned(lambda trouble: trouble.swallow_answers or trouble.swallow_requests):
                await _forever()  # TCP has no gaps: after what was lost, nothing comes
            if is_page:
                await self._answer_page()
            await self._hand_on(event)
            if isinstance(event, h11.EndOfMessage):
                return

    async def _hand_on(self, event: h11.Event) -> None:
        data = self._candidate.http.send(event) or b""
        if not isinstance(event, h11.Response) and self._is_concerned(lambda trouble: trouble.truncate):
            await self._candidate.write(data[: len(data) // 2])
            raise _EndedError
        if not (pace := self._concerning(lambda trouble: trouble.piece_bytes > 0)):
            await self._candidate.write(data)
            return
        size = min(trouble.piece_bytes for trouble in pace)
        for start in range(0, len(data), size):
            await asyncio.sleep(sum(trouble.piece_delay_s for trouble in pace))
            await self._candidate.write(data[start : start + size])

    async def _answer_page(self) -> NoReturn:
        length = ("Content-Length", str(len(PAGE)))
        headers = [("Content-Type", "text/html"), length, ("Connection", "close")]
        for event in (
            h11.Response(status_code=502, headers=headers, reason=b"Bad Gateway"),
            h11.Data(data=PAGE),
            h11.EndOfMessage(),
        ):
            await self._candidate.send(event)
        raise _EndedError

    async def _hold(self) -> bool:
        """Wait while requests are held; return whether this one was."""
        was_held = False
        while self._is_concerned(lambda trouble: trouble.hold_requests):
            was_held = True
            await self._troubles.change()
        return was_held

    def _is_concerned(self, by: Callable[[Trouble], bool]) -> bool:
        return bool(self._concerning(by))

    def _concerning(self, by: Callable[[Trouble], bool]) -> list[Trouble]:
        return [trouble for trouble in self._troubles.concerning(self._lot) if by(trouble)]


class _EndedError(Exception):
    """This connection is over."""


class _Side:
    """One of the two connections."""

    def __init__(self, role: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.http = h11.Connection(role)
        self._reader, self._writer = reader, writer

    async def receive(self) -> h11.Event:
        """The next event.

        Raises:
            _EndedError: there is none.
        """
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self._reader.read(65536))
        if not isinstance(event, h11.Event) or isinstance(event, h11.ConnectionClosed):
            raise _EndedError
        return event

    async def message(self) -> list[h11.Event]:
        """A whole message."""
        events = [await self.receive()]
        while not isinstance(events[-1], h11.EndOfMessage):
            events.append(await self.receive())
        return events

    async def gone(self) -> NoReturn:
        """Wait until it is closed; what comes meanwhile is kept."""
        while data := await self._reader.read(65536):
            self.http.receive_data(data)
        raise _EndedError

    async def stir(self) -> None:
        """Wait until something comes."""
        self.http.receive_data(await self._reader.read(65536))

    async def send(self, event: h11.Event) -> None:
        await self.write(self.http.send(event) or b"")

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """Close with RST: without lingering, and at once."""
        with contextlib.suppress(OSError):
            wire = self._writer.get_extra_info("socket")
            if wire is not None:  # TLS may have ended it already
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        self._writer.close()


async def _forever() -> None:
    await asyncio.get_running_loop().create_future()


async def _first(work: Coroutine[Any, Any, T], gone: Coroutine[Any, Any, NoReturn]) -> T:
    """Do the work; `gone` ends it with its error."""
    tasks = asyncio.create_task(work), asyncio.create_task(gone)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else tasks[1].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
