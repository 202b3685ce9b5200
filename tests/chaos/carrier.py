"""Carrier: a process that carries what candidates send, and is told what to do to it."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.trouble import Trouble
from tests.cluster.process import start_process

__all__ = ["Carrier", "CarrierError", "obey"]

ROOT = Path(__file__).parents[2]
COMMAND_TIMEOUT_S = 60  # generous: the machine may be busy with other things

Command = dict[str, Any]


class CarrierError(RuntimeError):
    """The process does not do what it is told."""


class Carrier:
    """The process, and what it is told; from any thread. It dies with the thread that started it.

    Args:
        module: that it runs, which is to `obey`.
        folder: for its files; nobody else may read it.
        settings: for the process, which is also told where to listen for commands.
    """

    def __init__(self, module: str, folder: Path, settings: dict[str, Any]) -> None:
        self._module = module
        self._log = folder / "carrier.log"
        self._settings = {**settings, "control": str(folder / "control")}

    def launch(self, **settings: Any) -> dict[str, Any]:
        """Start it with these further settings, and return what it tells first.

        Raises:
            CarrierError: it does not start; names the reason.
        """
        told = json.dumps({**self._settings, **settings})
        command = [str(shutil.which("env")), f"PYTHONPATH={ROOT}", sys.executable, "-m", self._module, told]
        with self._log.open("wb") as log:
            self._process = start_process(command, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        with self._process.stdout as output:
            first = output.readline()
        if not first:
            self.stop()
            raise CarrierError(f"{self._module} does not start: {self._log.read_text().strip()}")
        return dict(json.loads(first))

    def stop(self) -> None:
        """Kill it: its namespaces, devices and connections end with it. May be repeated."""
        self._process.kill()
        self._process.wait()

    def begin(self, place: int, name: str, trouble: Trouble) -> None:
        """Let something be wrong at a place; the name tells it from others at the same time.

        Raises:
            CarrierError: it has ended.
        """
        self.tell({"do": "begin", "place": place, "name": name, "trouble": asdict(trouble)})

    def end(self, place: int, name: str) -> None:
        """Let it be over; without effect if it is.

        Raises:
            CarrierError: the process has ended.
        """
        self.tell({"do": "end", "place": place, "name": name})

    def seed(self, place: int, seed: int) -> None:
        """Repeat what chance does at the place from now on.

        Raises:
            CarrierError: it has ended.
        """
        self.tell({"do": "seed", "place": place, "seed": seed})

    def tell(self, command: Command) -> None:
        """Tell it something, and wait until it is done.

        Raises:
            CarrierError: it has ended, or refuses.
        """
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(COMMAND_TIMEOUT_S)
            try:
                control.connect(self._settings["control"])
                control.sendall(json.dumps(command).encode() + b"\n")
                answer = control.makefile("rb").readline()
            except OSError as error:
                raise CarrierError(f"{self._module} has ended: {error}") from error
        if not answer:
            raise CarrierError(f"{self._module} refuses {command}: {self._log.read_text().strip()}")


async def obey(control: str, first: dict[str, Any], do: Callable[[Command], None]) -> None:
    """Be the process of a carrier: tell `first`, and then do what is told, until killed."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        do(json.loads(await reader.readline()))
        writer.write(b"done\n")
        writer.close()

    server = await asyncio.start_unix_server(hear, control)
    print(json.dumps(first), flush=True)
    await server.serve_forever()
