"""RealMember: one member of democracy.js in a process of its own."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Sequence
from typing import Any

from tests.cluster.candidate_process import CandidateProcess
from tests.democracy.package import MEMBER, installed

__all__ = ["RealMember", "free_addresses", "send_packet"]


class RealMember(CandidateProcess):
    """One member, started with `start`; its events have the keys that `node/member.js` describes.

    Args:
        identity: of the member.
        source: its address.
        peers: those that it knows from the start.
        weight: its weight.
        interval_s: from hello to hello.
        timeout_s: of silence, after which it votes.
        events: names of events of the application that it reports.
    """

    def __init__(
        self,
        identity: str,
        source: str,
        *,
        peers: Sequence[str] = (),
        weight: float,
        interval_s: float = 1.0,
        timeout_s: float = 3.0,
        events: Sequence[str] = (),
    ) -> None:
        self.source = source
        options = {
            "package": str(installed()),
            "id": identity,
            "source": source,
            "peers": list(peers),
            "weight": weight,
            "interval": interval_s * 1000,
            "timeout": timeout_s * 1000,
            "events": list(events),
            "bootOffset": boot_offset(),
        }
        super().__init__(identity, [str(shutil.which("node")), str(MEMBER), json.dumps(options)])

    def call(self, method: str, *arguments: object) -> None:
        """Make it call one of its methods; it reports an ``answer``."""
        do = {"event": "do", "id": "test", "extra": {"call": method, "args": arguments}}
        send_packet(self.source, do)

    def told(self, *events: str) -> list[tuple[str, Any]]:
        """Return what it reported of these events, oldest first: event, and whom or what it is about."""
        return [(seen["event"], seen["about"]) for seen in tuple(self.events) if seen["event"] in events]

    @property
    def leader(self) -> str:
        """Whom it took for the leader when it reported last; empty: nobody."""
        return str(self.events[-1]["leader"]) if self.events else ""


def boot_offset() -> float:
    """Return by how many seconds CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC, the clock of Node.js."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def send_packet(source: str, packet: dict[str, object] | bytes) -> None:
    """Send a packet to the member with this address, from another one."""
    datagram = packet if isinstance(packet, bytes) else json.dumps(packet).encode()
    host, _, port = source.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(datagram, (host, int(port)))


def free_addresses(count: int) -> list[str]:
    """Return addresses of the loopback that nobody listens on."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    finally:
        for each in sockets:
            each.close()
