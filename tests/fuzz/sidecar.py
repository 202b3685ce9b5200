"""Sidecar: its HTTP surface, down to the bytes of malformed requests on real sockets."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import struct
from contextlib import AsyncExitStack
from typing import Any

from tenure.elector import LeaderElector
from tenure.locks.memory import MemoryLock
from tenure.serving import Address, bind, serve
from tenure.sidecar import app
from tenure.sidecar.outlook import Outlook
from tenure.term import Term
from tenure.timing import Timing
from tests.fuzz.http_bytes import check_answers, requests_of

__all__ = ["SidecarTarget", "make_target", "make_target_over_tcp"]

_PATIENCE = 12
"""How many rounds of the event loop a client waits for an answer before it goes away."""
_LONG_PATIENCE = 2000
"""Within how many rounds everything of a connection must be gone."""
_KEEP_ALIVE_S = 0.01
"""A stream whose client went away behind a second request finds that out when it next writes."""


def make_target() -> SidecarTarget:
    """Return the target: well-formed answers, an elector that goes on, nothing left behind."""
    return SidecarTarget(tcp=False)


def make_target_over_tcp() -> SidecarTarget:
    """Return the same target, with connections that are accepted from the network."""
    return SidecarTarget(tcp=True)


class SidecarTarget:
    """Two sidecars, one that leads and one that does not campaign, with a client of raw bytes."""

    def __init__(self, *, tcp: bool) -> None:
        self._tcp = tcp
        self._loop = asyncio.new_event_loop()
        self._factories: list[Any] = []
        self._faults: list[str] = []
        self._loop.set_exception_handler(lambda loop, context: self._faults.append(str(context)))
        self._log = _Faults(self._faults)
        self._stack = AsyncExitStack()
        self._keep_alive_s, app._KEEP_ALIVE_S = app._KEEP_ALIVE_S, _KEEP_ALIVE_S
        self._loop.run_until_complete(self._start())
        self._sockets = _open_sockets()

    def check(self, decisions: random.Random) -> None:
        # All is decided before anything is opened: an engine may end an input in the middle of a decision.
        pieces, half_close = requests_of(decisions), decisions.random() < 0.3
        answers, closed = self.exchange(pieces, decisions.randrange(2), half_close=half_close)
        check_answers(answers, closed)
        self.check_state()

    def exchange(
        self, pieces: list[bytes], server: int = 0, *, half_close: bool = False
    ) -> tuple[bytes, bool]:
        """Send the pieces and go away; return what was answered, and whether the server closed first."""
        return self._loop.run_until_complete(self._exchange(pieces, server, half_close))

    def check_state(self) -> None:
        """The elector goes on, nothing was logged as a fault, nothing is left of any connection.

        Raises:
            AssertionError: one of them is not so.
        """
        assert not self._faults, "\n".join(self._faults)
        assert self._elector.is_leader(), "the elector has lost its term"
        assert not _tasks_of_requests(self._loop), _tasks_of_requests(self._loop)
        assert _open_sockets() <= self._sockets, "a connection is left"

    def close(self) -> None:
        self._loop.run_until_complete(self._stack.aclose())
        assert not asyncio.all_tasks(self._loop)
        self._loop.close()
        self._log.detach()
        app._KEEP_ALIVE_S = self._keep_alive_s

    async def _start(self) -> None:
        async def hold(term: Term) -> None:
            await term.wait_ending()

        timing = Timing(lease_duration=90)  # a machine that is busy for a while ends no term
        self._elector = LeaderElector(MemoryLock("fuzz"), identity="a", timing=timing)
        leading = Outlook(self._elector)
        waiting = Outlook(LeaderElector(MemoryLock("idle"), identity="b"))
        self._addresses = [await self._serve(app.App(leading)), await self._serve(app.App(waiting))]
        await self._stack.enter_async_context(self._elector.running(hold))
        while not leading.look().is_leader:
            await leading.news

    async def _serve(self, answering: app.App) -> Address:
        create_server = self._loop.create_server

        async def note_factory(factory: Any, **options: Any) -> asyncio.Server:
            self._factories.append(factory)
            return await create_server(factory, **options)

        self._loop.create_server = note_factory  # type: ignore[method-assign, assignment]
        serving = await self._stack.enter_async_context(serve(answering, sockets=[bind("127.0.0.1", 0)]))
        self._loop.create_server = create_server  # type: ignore[method-assign]
        return serving.addresses[0]

    async def _exchange(self, pieces: list[bytes], server: int, half_close: bool) -> tuple[bytes, bool]:
        client = await self._connect(server)
        answers, closed = bytearray(), False
        try:
            for piece in pieces:
                client.send(piece)
                closed = await _drain(client, answers, 2)
            if half_close:
                client.shutdown(socket.SHUT_WR)
            closed = closed or await _drain(client, answers, _PATIENCE * (4 if self._tcp else 1))
        except OSError:  # closed already, or more than it takes
            closed = True
        client.close()
        for number in range(_LONG_PATIENCE):
            await asyncio.sleep(0 if number < 50 else _KEEP_ALIVE_S)
            if not _tasks_of_requests(self._loop) and _open_sockets() <= self._sockets:
                break
        return bytes(answers), closed

    async def _connect(self, server: int) -> socket.socket:
        if self._tcp:
            client = socket.create_connection(self._addresses[server])
            # Closed at once: in the minute that a port is kept otherwise, all of them would be used up.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            client, accepted = socket.socketpair()
            await self._loop.connect_accepted_socket(self._factories[server], accepted)
        client.setblocking(False)
        return client


class _Faults(logging.Handler):
    """Collects what the server logs as an error, such as a traceback of the application."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._found = faults
        self._loggers = [
            logging.getLogger(name) for name in ("uvicorn.error", "asyncio", "tenure", "tenure.serving")
        ]
        for logger in self._loggers:
            logger.addHandler(self)
            logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(self.format(record))

    def detach(self) -> None:
        """Leave the loggers as they were."""
        for logger in self._loggers:
            logger.removeHandler(self)
            logger.propagate = True


async def _drain(client: socket.socket, answers: bytearray, rounds: int) -> bool:
    """Take what comes within some rounds of the event loop; tell whether the server has closed."""
    left = rounds
    while left:
        await asyncio.sleep(0)
        left -= 1
        try:
            piece = client.recv(65536)
        except BlockingIOError:
            continue
        if not piece:
            return True
        answers += piece
        left = min(left, _PATIENCE // 3)  # what belongs to it comes soon
    return False


def _open_sockets() -> int:
    """Count sockets alone: whoever runs this may open files of its own meanwhile."""
    with os.scandir("/proc/self/fd") as files:
        return sum(_target(file.path).startswith("socket:") for file in files)


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:  # the listing's own
        return ""


def _tasks_of_requests(loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[Any]]:
    """Return what works for clients: the elector's own tasks, which come and go, have names."""
    running = asyncio.current_task(loop)
    return [
        task
        for task in asyncio.all_tasks(loop)
        if task is not running and task.get_name().startswith(("Task-", "tenure stream"))
    ]
