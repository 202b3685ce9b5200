"""Connection: uvicorn's HTTP/1.1 on one connection, within limits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from tenure.serving.crowd import Crowd
from tenure.serving.limits import Limits

__all__ = ["Connection"]

# What clients do wrong is told to them: in the log it would be theirs to fill.
_log = logging.getLogger("tenure.serving")
_log.setLevel(logging.ERROR)


class Connection(H11Protocol):
    """One client, who may be slow, silent or endless.

    Args:
        config: of uvicorn, loaded.
        state: shared by all connections of the server.
        crowd: likewise.
        limits: what this client may take.
    """

    def __init__(self, config: Config, state: ServerState, crowd: Crowd, limits: Limits) -> None:
        super().__init__(config, state, {})
        self.logger = _log
        self._crowd = crowd
        self._limits = limits
        self._received = 0
        self._requesting = _Stopwatch(limits.request_s, self.cut)
        self._stalling = _Stopwatch(limits.stall_s, self.cut)

    def cut(self) -> None:
        """Close it at once, whatever is still to be sent."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It is open: the client's time begins."""
        super().connection_made(transport)
        # A write waits for what was written before it, so that nothing queues up in this process.
        transport.set_write_buffer_limits(high=1)
        self._requesting.start()
        self._crowd.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self._crowd.leave(self)
        self._requesting.stop()
        self._stalling.stop()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        self._received += len(data)
        if self._received > self._limits.request_bytes:
            self.cut()
        else:
            super().data_received(data)
            self._note_progress()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read; within or behind an answer there is no place for another one: cut."""
        if self.conn.our_state is h11.IDLE:
            super().send_400_response(msg)
        else:
            self.cut()

    def on_response_complete(self) -> None:
        """The application has answered; the client may ask again."""
        self._received = 0
        super().on_response_complete()
        self._note_progress()

    def pause_writing(self) -> None:
        """The client does not read what was written."""
        super().pause_writing()
        self._stalling.start()

    def resume_writing(self) -> None:
        """It has read it, or is gone."""
        super().resume_writing()
        self._stalling.stop()

    def _note_progress(self) -> None:
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing():
            self._requesting.start()
            self._crowd.wait(self)
        else:
            self._requesting.stop()
            self._crowd.serve(self)


class _Stopwatch:
    """Calls back when something has gone on for too long."""

    def __init__(self, period_s: float, callback: Callable[[], None]) -> None:
        self._period_s = period_s
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """It has begun; if it goes on already, it goes on."""
        if self._handle is None:
            loop = asyncio.get_running_loop()
            self._handle = loop.call_later(self._period_s, self._callback)

    def stop(self) -> None:
        """It is over."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
