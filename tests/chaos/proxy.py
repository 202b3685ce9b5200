"""The tests' own way to the API server, in a process of its own, where a request can meet with accidents."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.chaos.trouble import Trouble
from tests.cluster.process import start_process

__all__ = ["Door", "Proxy", "ProxyError"]

ROOT = Path(__file__).parents[2]
PROCESS = "tests.chaos.proxy_process"
COMMAND_TIMEOUT_S = 60  # generous: the machine may be busy with other things


class ProxyError(Exception):
    """The process of the proxy does not do what it is told."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where the candidate of one place finds the API server.

    Attributes:
        address: of the proxy.
        port: the same.
        namespace: a file that stands for the network namespace of the place; "": it has none.
    """

    address: str
    port: int
    namespace: str


class Proxy:
    """The process of the proxy, and what it is told; from any thread.

    Each place has a door of its own. Where network namespaces can be had, the only way from a place to its
    door is a `Wire`. The process dies with the thread that called `start`.

    Args:
        folder: for its files; nobody else may read it, for it holds a private key.
        upstream: URL of the API server.
        authority: PEM file of the authority that the API server's certificate is checked against.
        certificate: PEM file with certificate and key, for `addresses`.
    """

    def __init__(self, folder: Path, *, upstream: str, authority: Path, certificate: Path) -> None:
        self._folder = folder
        self._log = folder / "proxy.log"
        self._settings = {
            "upstream": upstream,
            "authority": str(authority),
            "certificate": str(certificate),
            "control": str(folder / "control"),
        }
        self.doors: list[Door] = []
        self.lacking = ""  # why there are no network namespaces; "": there are

    def start(self, places: int, *, namespaces: bool = True) -> None:
        """Start it with so many doors; without `namespaces` they are on loopback.

        Raises:
            ProxyError: it does not start; names the reason.
        """
        settings = json.dumps({**self._settings, "places": places, "namespaces": namespaces})
        command = [str(shutil.which("env")), f"PYTHONPATH={ROOT}", sys.executable, "-m", PROCESS, settings]
        with self._log.open("wb") as log:
            self._process = start_process(command, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        with self._process.stdout as output:
            first = output.readline()
        if not first:
            self.stop()
            raise ProxyError(f"the proxy does not start: {self._log.read_text().strip()}")
        told = json.loads(first)
        self.doors = [Door(**door) for door in told["doors"]]
        self.lacking = told["lacking"]

    def stop(self) -> None:
        """Kill it: its namespaces, devices and connections end with it. May be repeated."""
        self._process.kill()
        self._process.wait()

    def begin(self, place: int, name: str, trouble: Trouble) -> None:
        """Let something be wrong at a place; the name tells it from others at the same time.

        Raises:
            ProxyError: it has ended.
        """
        self._tell({"do": "begin", "place": place, "name": name, "trouble": asdict(trouble)})

    def end(self, place: int, name: str) -> None:
        """Let it be over; without effect if it is.

        Raises:
            ProxyError: the proxy has ended.
        """
        self._tell({"do": "end", "place": place, "name": name})

    def seed(self, place: int, seed: int) -> None:
        """Repeat what chance does at the place from now on.

        Raises:
            ProxyError: it has ended.
        """
        self._tell({"do": "seed", "place": place, "seed": seed})

    def _tell(self, command: dict[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(COMMAND_TIMEOUT_S)
            try:
                control.connect(self._settings["control"])
                control.sendall(json.dumps(command).encode() + b"\n")
                answer = control.makefile("rb").readline()
            except OSError as error:
                raise ProxyError(f"the proxy has ended: {error}") from error
        if not answer:
            raise ProxyError(f"the proxy refuses {command}: {self._log.read_text().strip()}")
        return dict(json.loads(answer))
