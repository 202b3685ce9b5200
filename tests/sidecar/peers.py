"""Groups of peers on the loopback, as command lines name them."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

__all__ = ["PeerGroup", "free_udp_ports"]


def free_udp_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return ports of the loopback at which nobody receives datagrams."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for _ in range(count)]
        for each in sockets:
            each.bind((host, 0))
        return [each.getsockname()[1] for each in sockets]


class PeerGroup:
    """Peers that know each other by a list.

    Args:
        folder: for the secret.
        names: of the peers, all of which vote.

    Attributes:
        secret: the path of their secret.
        at: ``HOST:PORT`` by name.
    """

    def __init__(self, folder: Path, names: Sequence[str] = ("a", "b", "c")) -> None:
        self.secret = folder / "secret"
        self.secret.write_text(secrets.token_hex(32))
        ports = free_udp_ports(len(names))
        self.at = {name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}

    def flags(self, name: str) -> tuple[str, ...]:
        """Return the flags of one of them."""
        peers = ",".join(f"{each}={place}" for each, place in self.at.items())
        return f"--peers={peers}", f"--peers-secret={self.secret}", f"--peers-listen={self.at[name]}"
