"""Sidecars as real processes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Answer", "Sidecar", "Stream", "eventually", "free_port", "run_tenure"]

_GIVE_UP_S = 60.0  # a test that waits this long hangs; nothing is measured by it


def eventually(happened: Callable[[], Any]) -> Any:
    """Wait until the function returns something true, and return that."""
    give_up = time.monotonic() + _GIVE_UP_S
    while not (result := happened()):
        if time.monotonic() > give_up:
            raise AssertionError("it never happened")
        time.sleep(0.02)
    return result


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


def run_tenure(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line until it ends."""
    command = [sys.executable, "-m", "tenure", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=_GIVE_UP_S,
        env=_environment(environment),
        check=False,
    )


def _environment(changes: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("POD_", "KUBE"))}
    return {**inherited, **changes}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    content_type: str
    text: str

    @property
    def json(self) -> Any:
        """The body, decoded."""
        assert self.content_type == "application/json"
        return json.loads(self.text)


class Stream:
    """An open event stream."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_GIVE_UP_S)
        self._connection.request("GET", "/events")
        self._response = self._connection.getresponse()
        assert self._response.getheader("content-type") == "text/event-stream"

    def next(self) -> dict[str, Any] | None:
        """Wait for the next event and return its data; None: the stream has ended properly."""
        for line in self._response:
            if line.startswith(b"data: "):
                data: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
                return data
        return None

    def close(self) -> None:
        """Hang up."""
        self._response.close()
        self._connection.close()


class Sidecar:
    """A running ``tenure sidecar``; it is ended when the block ends.

    Args:
        name: its ``--id``; empty: none is given.
        arguments: further ones.
        port: where it answers; 0: it is given no ``--http``.
        environment: changes to this process's own.
    """

    def __init__(self, name: str, *arguments: str, port: int | None = None, **environment: str) -> None:
        self.port = free_port() if port is None else port
        command = [sys.executable, "-m", "tenure", "sidecar", *arguments]
        command += [f"--id={name}"] if name else []
        command += [f"--http=127.0.0.1:{self.port}"] if self.port else []
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, env=_environment(environment)
        )
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._readers = [
            _read_lines(self.process.stdout, self.stdout),
            _read_lines(self.process.stderr, self.stderr),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.wait()
        if error:
            print(f"stderr of {self.process.args!r}:", *self.stderr, sep="\n  ")

    def wait(self) -> int:
        """Wait until the process has ended and everything it said has been read."""
        status = self.process.wait(_GIVE_UP_S)
        for reader in self._readers:
            reader.join()
        return status

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def get(self, path: str) -> Answer:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_GIVE_UP_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(response.status, response.getheader("content-type") or "", text)
        finally:
            connection.close()

    def until(self, path: str, fits: Callable[[Answer], bool]) -> Answer:
        """Ask again and again, until the answer fits."""

        def ask() -> Answer | None:
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}: {self.stderr}")
            try:
                answer = self.get(path)
            except OSError:
                return None  # it does not listen yet
            return answer if fits(answer) else None

        found: Answer = eventually(ask)
        return found

    def until_leading(self) -> dict[str, Any]:
        """Wait until it leads; return what it says of that."""
        answer: dict[str, Any] = self.until("/leader", lambda answer: answer.status == 200).json
        return answer

    def until_named(self, name: str) -> None:
        """Wait until it names this leader."""
        self.until("/", lambda answer: answer.json == {"name": name})

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the process for the time of the block."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            stat = Path(f"/proc/{self.process.pid}/stat")
            eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


def _read_lines(pipe: Any, lines: list[str]) -> threading.Thread:
    def read() -> None:
        with pipe:
            for line in pipe:
                lines.append(line.rstrip("\n"))  # noqa: PERF401  # others read it meanwhile

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
