"""What runs in the process of the switch; `tests.chaos.peers.switch` starts it and tells it what to do."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import socket
import sys
from typing import Any

from tests.chaos.carrier import obey
from tests.chaos.namespace import Namespace
from tests.chaos.trouble import Trouble, Troubles
from tests.chaos.wire import LARGEST_PACKET, PACKETS_AT_ONCE, deliver, plug

__all__ = ["main"]

NETWORK = "192.0.2.0/24"  # TEST-NET-1
IPV4 = 4
DESTINATION = slice(16, 20)  # of the header


class _Port:
    """One place on the switch: its namespace, its wire, and what is wrong there."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.address = f"192.0.2.{number + 1}"
        self.namespace = Namespace()
        self.end = plug(self.namespace, "wire0", self.address, NETWORK)
        os.set_blocking(self.end, False)
        self.troubles = Troubles()
        self.rng = random.Random()


class _Switch:
    """Carries each packet to the port that it is addressed to."""

    def __init__(self, ports: list[_Port]) -> None:
        self._ports = ports
        self._by_address = {socket.inet_aton(port.address): port for port in ports}
        self._cuts: dict[str, set[tuple[int, int]]] = {}  # by name of the fault: from, to
        self._loop = asyncio.get_running_loop()
        for port in ports:
            self._loop.add_reader(port.end, self._carry, port)

    def do(self, command: dict[str, Any]) -> None:
        match command["do"]:
            case "cut":
                self._cuts[command["name"]] = {(source, target) for source, target in command["ways"]}
            case "mend":
                self._cuts.pop(command["name"], None)
            case "begin":
                trouble = Trouble(**command["trouble"])
                self._ports[command["place"]].troubles.begin(command["name"], trouble)
            case "end":
                self._ports[command["place"]].troubles.end(command["name"])
            case "seed":
                self._ports[command["place"]].rng.seed(command["seed"])

    def _carry(self, source: _Port) -> None:
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(source.end, LARGEST_PACKET)
            except BlockingIOError:
                return
            target = self._by_address.get(packet[DESTINATION]) if packet[0] >> 4 == IPV4 else None
            if target is not None and not self._is_cut(source, target):
                self._pass(packet, source, target)

    def _is_cut(self, source: _Port, target: _Port) -> bool:
        way = source.number, target.number
        return any(way in ways for ways in self._cuts.values())

    def _pass(self, packet: bytes, source: _Port, target: _Port) -> None:
        rng, near, far = source.rng, source.troubles, target.troubles
        if rng.random() < 1 - (1 - near.loss_out) * (1 - far.loss_in):
            return
        delay_s = near.delay_s + far.delay_s + (near.jitter_s + far.jitter_s) * rng.random()
        self._send(packet, target, delay_s)
        if rng.random() < max(near.copied, far.copied):
            self._send(packet, target, delay_s + (near.copy_delay_s + far.copy_delay_s) * rng.random())

    def _send(self, packet: bytes, target: _Port, delay_s: float) -> None:
        if delay_s:
            self._loop.call_later(delay_s, deliver, target.end, packet)
        else:
            deliver(target.end, packet)


def _open_ports(count: int) -> tuple[list[_Port], str]:
    """Return the ports, and why there are none."""
    try:
        for tool, package in ("ip", "iproute2"), ("nsenter", "util-linux"):
            if shutil.which(tool) is None:
                raise FileNotFoundError(f"no command {tool}: apt-get install {package}")
        return [_Port(number) for number in range(count)], ""
    except OSError as error:
        return [], str(error)


async def _run(settings: dict[str, Any]) -> None:
    ports, lacking = _open_ports(settings["ports"])
    told = [{"address": port.address, "namespace": port.namespace.path} for port in ports]
    await obey(settings["control"], {"ports": told, "lacking": lacking}, _Switch(ports).do)


def main() -> None:
    """Carry until killed, as the first argument (JSON) says; the first line of output names the ports."""
    asyncio.run(_run(json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
