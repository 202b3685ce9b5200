"""What runs in the process of the proxy; `tests.chaos.proxy` starts it and tells it what to do."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import socket
import ssl
import sys
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.carrier import obey
from tests.chaos.namespace import Namespace
from tests.chaos.relay import Relay, Streams
from tests.chaos.trouble import Trouble, Troubles
from tests.chaos.wire import Wire, plug

__all__ = ["main"]

PORT = 6443


class _Place:
    """One place: its door, its wire, and what is wrong there."""

    def __init__(self, upstream: str, authority: str) -> None:
        self._troubles = Troubles()
        self._rng = random.Random()
        self._relays: set[Relay] = set()
        self._namespace: Namespace | None = None
        url = urlsplit(upstream)
        self._host, self._port = url.hostname, url.port
        self._tls = ssl.create_default_context(cafile=authority)

    def enter_namespace(self, number: int, hub: Namespace) -> None:
        """Make a namespace for the candidate, and the wire from there to the proxy's own.

        Raises:
            OSError: not permitted, or the machine lacks something.
        """
        self._namespace = Namespace()
        self._address = f"192.0.2.{2 * number + 1}"  # TEST-NET-1: 127 places
        own_address = f"192.0.2.{2 * number + 2}"
        near = plug(self._namespace, "wire0", own_address, self._address)
        far = plug(hub, f"wire{number}", self._address, own_address)
        self._wire = Wire(near, far, self._troubles, self._rng)
        self._socket = hub.run(socket.create_server, (self._address, PORT))

    def stay(self) -> None:
        """Use the machine's own network."""
        self._address = "127.0.0.1"
        self._socket = socket.create_server((self._address, 0))

    async def open_door(self, tls: ssl.SSLContext) -> dict[str, Any]:
        self._server = await asyncio.start_server(self._serve, sock=self._socket, ssl=tls)
        namespace = self._namespace.path if self._namespace else ""
        return {"address": self._address, "port": self._socket.getsockname()[1], "namespace": namespace}

    def do(self, command: dict[str, Any]) -> None:
        match command["do"]:
            case "begin":
                trouble = Trouble(**command["trouble"])
                self._troubles.begin(command["name"], trouble)
                if trouble.reset_open:
                    self._reset()
            case "end":
                self._troubles.end(command["name"])
            case "seed":
                self._rng.seed(command["seed"])

    def _reset(self) -> None:
        for relay in self._relays:
            relay.reset()

    async def _serve(self, *candidate: Any) -> None:
        wire = candidate[1].get_extra_info("socket")
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer is several small writes
        relay = Relay(candidate, self._dial, self._troubles, self._rng)
        self._relays.add(relay)
        if self._troubles.reset:
            relay.reset()
        try:
            await relay.run()
        finally:
            self._relays.discard(relay)

    async def _dial(self) -> Streams:
        return await asyncio.open_connection(self._host, self._port, ssl=self._tls)


def _make_places(settings: dict[str, Any]) -> tuple[list[_Place], str]:
    """Return the places, and why they have no namespaces."""
    count = range(settings["places"])
    lacking = "not asked for"
    if settings["namespaces"]:
        try:
            return _places_with_namespaces(settings, count), ""
        except OSError as error:
            lacking = str(error)
    places = [_Place(settings["upstream"], settings["authority"]) for _ in count]
    for place in places:
        place.stay()
    return places, lacking


def _places_with_namespaces(settings: dict[str, Any], count: range) -> list[_Place]:
    for tool, package in ("ip", "iproute2"), ("nsenter", "util-linux"):
        if shutil.which(tool) is None:
            raise FileNotFoundError(f"no command {tool}: apt-get install {package}")
    hub = Namespace()
    places = [_Place(settings["upstream"], settings["authority"]) for _ in count]
    for number, place in enumerate(places):
        place.enter_namespace(number, hub)
    return places


async def _run(settings: dict[str, Any]) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(settings["certificate"])
    tls.set_alpn_protocols(["http/1.1"])
    places, lacking = _make_places(settings)
    doors = [await place.open_door(tls) for place in places]

    def do(command: dict[str, Any]) -> None:
        places[command["place"]].do(command)

    await obey(settings["control"], {"doors": doors, "lacking": lacking}, do)


def main() -> None:
    """Serve until killed, as the first argument (JSON) says; the first line of output names the doors."""
    asyncio.run(_run(json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
