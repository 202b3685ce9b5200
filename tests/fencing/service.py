"""A fenced service that keeps a log, for ASGI and for WSGI, under real servers with workers."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tenure import FencingToken
from tenure.fencing import asgi, wsgi
from tenure.fencing.sqlite import BlockingSqliteFence, SqliteFence
from tests.cluster.process import start_process
from tests.drivers.tools import PATIENCE_S, wait_until
from tests.fencing.writes import Write
from tests.sidecar.process import free_port

__all__ = ["ELECTION", "SERVERS", "Service", "make_asgi", "make_wsgi", "serving"]

ROOT = Path(__file__).parents[2]
ELECTION = "default/reports"
LINGER_STEPS, STEP_S = 100, 0.01


class Log:
    """Lines in a file, in the order in which they were written by whatever worker."""

    def __init__(self) -> None:
        folder = Path(os.environ["SERVICE_FOLDER"])
        self._path, self._lingers = folder / "log", folder / "lingers"
        self._path.touch()

    def text(self) -> str:
        """Return all lines, each ``TOKEN:NAME``."""
        return self._path.read_text()

    def steps(self, token: FencingToken, name: str) -> Iterator[float]:
        """Handle a request: yield how long to sleep in between, in seconds, then write.

        A name that begins with ``linger`` waits for a later term to have written, for a while.
        """
        if name.startswith("linger"):
            self._lingers.touch()
            for _ in range(LINGER_STEPS):
                if any(Write.parse(line).token > int(token) for line in self.text().split()):
                    break
                yield STEP_S
        yield random.random() * STEP_S
        with self._path.open("a") as log:
            log.write(f"{token}:{name}\n")


class RaiseOnly:
    """A fence that is checked and then let go, which is not enough here."""

    def __init__(self, fence: Any) -> None:
        self.raise_to = fence.raise_to


def _fences(kind: Callable[[Path], Any]) -> dict[str, Any]:
    fence = kind(Path(os.environ["SERVICE_FOLDER"]) / "fence.db")
    return {ELECTION: RaiseOnly(fence) if os.environ.get("SERVICE_LEAKS") else fence}


def make_asgi() -> asgi.FencingMiddleware:
    """Return the application for uvicorn."""
    log = Log()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        text = log.text()
        if scope["method"] == "POST":
            name = b""
            while True:
                message = await receive()
                name += message["body"]
                if not message["more_body"]:
                    break
            for pause_s in log.steps(scope["tenure.token"], name.decode()):
                await asyncio.sleep(pause_s)
            text = str(os.getpid())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    return asgi.FencingMiddleware(app, _fences(SqliteFence))


def make_wsgi() -> wsgi.FencingMiddleware:
    """Return the application for gunicorn; its answer is a generator, which works while it is sent."""
    log = Log()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["REQUEST_METHOD"] != "POST":
            yield log.text().encode()
            return
        name = environ["wsgi.input"].read().decode()
        for pause_s in log.steps(environ["tenure.token"], name):
            time.sleep(pause_s)
        yield str(os.getpid()).encode()

    return wsgi.FencingMiddleware(app, _fences(BlockingSqliteFence))


SERVERS: dict[str, list[str]] = {
    "uvicorn": [
        *("-m", "uvicorn", "--factory", "tests.fencing.service:make_asgi", f"--app-dir={ROOT}"),
        *("--workers=2", "--port={port}", "--log-level=warning"),
    ],
    "gunicorn": [
        *("-m", "gunicorn", "tests.fencing.service:make_wsgi()", f"--chdir={ROOT}", "--worker-class=sync"),
        *("--workers=3", "--bind=127.0.0.1:{port}", "--log-level=warning", "--no-control-socket"),
    ],
}


class Service:
    """The service at work."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self._lingers = folder / "lingers"

    def history(self) -> list[Write]:
        """Return what it has accepted, oldest first."""
        return [Write.parse(line) for line in httpx.get(self.url).text.split()]

    def post(self, token: FencingToken, name: str) -> httpx.Response:
        """Write with a token; again while an earlier term is in the way."""
        headers = {"Tenure-Fencing-Token": str(token), "Tenure-Election": token.election}
        while True:
            answer = httpx.post(self.url, content=name, headers=headers, timeout=PATIENCE_S)
            if answer.status_code != 503:
                return answer

    def wait_lingering(self) -> None:
        """Wait until a request with a lingering name is being handled."""
        wait_until(self._lingers.exists)


@contextmanager
def serving(server: str, folder: Path, *, leaks: bool = False) -> Iterator[Service]:
    """Run the service in its workers; what it keeps is in `folder`."""
    port = free_port()
    command = [part.format(port=port) for part in SERVERS[server]]
    with (folder / "server.log").open("ab") as log, _environment(folder, leaks):
        process = start_process([sys.executable, *command], stdout=log, stderr=log)
    service = Service(folder, port)
    try:
        wait_until(lambda: _answers(service, process))
        yield service
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        print((folder / "server.log").read_text())


@contextmanager
def _environment(folder: Path, leaks: bool) -> Iterator[None]:
    names = {"SERVICE_FOLDER": str(folder), "SERVICE_LEAKS": "1" if leaks else ""}
    os.environ.update(names)
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]


def _answers(service: Service, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the server ended"
    try:
        service.history()
    except httpx.TransportError:
        return False
    return True
