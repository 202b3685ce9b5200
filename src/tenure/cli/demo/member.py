"""Member: one sidecar of the demo, as a real process, and what its event stream tells."""

from __future__ import annotations

import asyncio
import ctypes
import json
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click

from tenure.clock import boot_time

__all__ = ["DemoFailedError", "Member", "free_ports"]

_PR_SET_PDEATHSIG = 1
_CONNECT_PERIOD_S = 0.02
_END_TIMEOUT_S = 5.0


class DemoFailedError(click.ClickException):
    """The demo did not show what it is to show; the message says what failed."""


class Member:
    """A sidecar that can be started, ended, killed and started again.

    Args:
        name: its identity.
        arguments: of its command line, apart from its name and address.
        folder: for its log.
        tell: is called when its event stream has told something, or its process has failed.

    Attributes:
        holder: who leads, as this member sees it; None: unknown.
        is_leader: this member says that it leads.
        token: of the term that it knows.
        led_at: when it said so first in its present term; boot time, seconds.
        lost_at: when it said last that it leads no more; boot time, seconds.
        port: where it answers over HTTP.
        fault: why it is not running though it should.
    """

    def __init__(self, name: str, arguments: list[str], folder: Path, tell: Callable[[], None]) -> None:
        self.name = name
        self.holder: str | None = None
        self.is_leader = False
        self.token = ""
        self.led_at = self.lost_at = 0.0
        self.fault = ""
        self._arguments = arguments
        self._log = folder / f"{name}.log"
        self._tell = tell
        self.port = free_ports(1, socket.SOCK_STREAM)[0]
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start the process and listen to its events."""
        command = [sys.executable, "-m", "tenure", "sidecar", f"--id={self.name}"]
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                f"--http=127.0.0.1:{self.port}",
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                # A Ctrl-C at the terminal is for the demo alone, and its end, however it comes, is theirs.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._listening = asyncio.create_task(self._listen(self._process), name=f"demo events of {self.name}")

    def send_signal(self, number: signal.Signals) -> float:
        """Send a signal; return the boot time, in seconds, right before."""
        assert self._process
        sent_at = boot_time()
        self._process.send_signal(number)
        return sent_at

    async def wait(self) -> int:
        """Wait until the process has ended; return its status."""
        assert self._process
        assert self._listening
        try:
            async with asyncio.timeout(_END_TIMEOUT_S):
                status = await self._process.wait()
                await self._listening
        except TimeoutError:
            raise DemoFailedError(f"{self.name} still runs {_END_TIMEOUT_S:g} s after the signal") from None
        self.holder, self.is_leader = None, False
        return status

    async def end(self) -> None:
        """End the process, with SIGKILL if SIGTERM does not help."""
        if self._listening:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(_END_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(_CONNECT_PERIOD_S)  # it does not answer yet
                continue
            try:
                writer.write(b"GET /events HTTP/1.0\r\n\r\n")
                async for line in reader:
                    self._take(line)
                return
            except ConnectionError:
                return  # it was killed
            finally:
                writer.close()
        said = self._log.read_text(encoding="utf-8", errors="replace").splitlines() or ["nothing"]
        self.fault = f"{self.name} did not start (exit status {process.returncode}): {said[-1]}"
        self._tell()

    def _take(self, line: bytes) -> None:
        if not line.startswith(b"data: "):
            return
        told = json.loads(line.removeprefix(b"data: "))
        if told["is_leader"] and not self.is_leader:
            self.led_at = boot_time()
        elif self.is_leader and not told["is_leader"]:
            self.lost_at = boot_time()
        self.holder, self.is_leader = told["holder"], told["is_leader"]
        self.token = told["token"] or self.token
        self._tell()


def free_ports(count: int, kind: socket.SocketKind) -> list[int]:
    """Return ports of the loopback that nobody has, of TCP (``SOCK_STREAM``) or UDP (``SOCK_DGRAM``)."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, kind)) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _load_prctl() -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), "prctl", None)


_prctl = _load_prctl()


def _die_with_parent() -> None:
    """Run in the child: a demo that is killed itself leaves nothing behind (Linux only)."""
    if _prctl:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
