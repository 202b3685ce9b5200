"""Peers on the loopback, several in one event loop."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tenure import LeaderElector, Peers, Timing
from tenure.lock import Lock
from tests.drivers.tools import Recorder, forever, until
from tests.sidecar.peers import free_udp_ports

__all__ = ["BRISK", "STEADY", "Circle", "Peer", "leader_of", "token_of"]

BRISK = Timing(lease_duration=1.0)
STEADY = Timing(lease_duration=3.0)  # for terms that must not be lost on a busy machine


class Peer:
    """One elector, and what it says."""

    def __init__(self, elector: LeaderElector) -> None:
        self.elector = elector
        self.seen = Recorder()
        elector.subscribe(self.seen)

    @property
    def name(self) -> str:
        return self.elector.identity


class Circle:
    """Makes peers that know each other by a list.

    Args:
        folder: for the secret.
        names: of the peers.
        voters: those that vote; None: all.
        lock: where they write who leads; None: they are alone.
        host: the address of all.
        timing: theirs.
    """

    def __init__(
        self,
        folder: Path,
        names: Iterable[str] = "abc",
        *,
        voters: str | None = None,
        lock: Lock | None = None,
        host: str = "127.0.0.1",
        timing: Timing = BRISK,
    ) -> None:
        self.secret = folder / "secret"
        self.secret.write_text(secrets.token_hex(32))
        self.names = tuple(names)
        ports = free_udp_ports(len(self.names), host)
        shown = f"[{host}]" if ":" in host else host
        self.at = {name: f"{shown}:{port}" for name, port in zip(self.names, ports, strict=True)}
        self._voters = list(voters or self.names)
        self._lock = lock
        self._timing = timing

    def peers(self, name: str, **options: Any) -> Peers:
        """Return what one of them is told of all."""
        given = {
            "at": self.at,
            "voters": self._voters,
            "secret": self.secret,
            "listen": self.at[name],
            **options,
        }
        return Peers("" if self._lock else "reports", **given)

    def peer(self, name: str, *, peers: dict[str, Any] | None = None, **options: Any) -> Peer:
        """Return one of them; `peers`: further arguments of `Peers`."""
        told = self.peers(name, **(peers or {}))
        options = {"identity": name, "timing": self._timing, **options}
        if self._lock is not None:
            return Peer(LeaderElector(self._lock, peers=told, **options))
        return Peer(LeaderElector(told, **options))

    @asynccontextmanager
    async def voting(self) -> AsyncIterator[None]:
        """Let the voters vote, and never campaign, while the block lasts."""
        peers = [self.peer(name, eligible=lambda: False) for name in self._voters]
        async with self.running(*peers):
            yield

    @asynccontextmanager
    async def running(self, *peers: Peer) -> AsyncIterator[None]:
        """Let these campaign, and lead without doing anything, while the block lasts."""
        async with AsyncExitStack() as stack:
            for each in peers:
                await stack.enter_async_context(each.elector.running(forever))
            yield


async def leader_of(*peers: Peer) -> Peer:
    """Wait until one of these leads and all of them know; return it."""

    def agreed() -> list[Peer]:
        leaders = [each for each in peers if each.elector.is_leader()]
        return [each for each in leaders if all(other.elector.leader == each.name for other in peers)]

    await until(agreed)
    [found] = agreed()
    return found


def token_of(peer: Peer) -> int:
    """Return the token that a peer knows of."""
    token = peer.elector.latest.token
    assert token is not None
    return int(token)
