"""ApiServer: the API server that peers tell of a new leader, at a place of its own on the switch."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.chaos.namespace import Namespace
from tests.chaos.peers.switch import Port
from tests.cluster.process import start_process

__all__ = ["ApiServer"]

_PORT = 8001
_ANSWER_TIMEOUT_S = 2.0


class ApiServer:
    """`tenure devserver` in a process that can be frozen, and can refuse.

    Args:
        port: its place.
        folder: for its kubeconfig and its log.

    Attributes:
        kubeconfig: leads to it from every place on the switch.
    """

    def __init__(self, port: Port, folder: Path) -> None:
        self.kubeconfig = folder / "kubeconfig"
        self._log = folder / "api-server.log"
        self._place = port

    def start(self) -> None:
        """Start it, and wait until it serves.

        Raises:
            RuntimeError: it does not start.
        """
        module = [sys.executable, "-m", "tests.chaos.peers.api_process"]
        prefix = [str(shutil.which("nsenter")), f"--net={self._place.namespace}"]
        arguments = [self._place.address, str(_PORT), str(self.kubeconfig)]
        with self._log.open("ab") as log:
            self._process = start_process([*prefix, *module, *arguments], stdout=subprocess.PIPE, stderr=log)
        self._wait_for(b"serving\n")

    def stop(self) -> None:
        """Kill it: what it stored is gone."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def freeze(self) -> None:
        """SIGSTOP: connections are accepted by the kernel, and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self._process.send_signal(signal.SIGCONT)

    def refuse(self) -> None:
        """End all connections and accept no new ones; returns when that is so."""
        self._process.send_signal(signal.SIGUSR1)
        self._wait_for(b"refusing\n")

    def serve(self) -> None:
        """Accept connections again; returns when that is so."""
        self._process.send_signal(signal.SIGUSR2)
        self._wait_for(b"serving\n")

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request as an administrator beside it, and return the answer.

        Raises:
            OSError: there was none, or an error.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self._place.address}:{_PORT}{path}", data, method=method)
        request.add_header("Content-Type", "application/merge-patch+json")
        namespace = Namespace(self._place.namespace)
        try:
            return namespace.run(_send, request)
        finally:
            namespace.close()

    def _wait_for(self, line: bytes) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != line:
            raise RuntimeError(f"the API server ended: {self._log.read_text().strip()}")


def _send(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=_ANSWER_TIMEOUT_S) as answer:
        return json.loads(answer.read())
