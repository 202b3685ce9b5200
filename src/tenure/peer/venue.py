"""PeerVenue: an election among the peers themselves, with or without the API to number its terms."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tenure.candidacy import Candidacy
from tenure.clock import boot_time
from tenure.errors import ConfigurationError
from tenure.events import Event
from tenure.lock import Lock
from tenure.locks.kube import KubeLock
from tenure.locks.multi import MultiLock
from tenure.locks.peers import PeersLock
from tenure.peer.gate import Gate
from tenure.peer.keys import KeyFile
from tenure.peer.node import PeerNode
from tenure.peer.peers import DEFAULT_PORT, Peers
from tenure.peer.registered_node import RegisteredNode
from tenure.peer.registrar import Registrar
from tenure.peer.udp import PeerDriver
from tenure.pod import own_host
from tenure.venue import Candidature

__all__ = ["PeerVenue"]

_INCARNATION_BYTES = 16


class PeerVenue:
    """Peers, and the lock that their leaders write to; implements `tenure.venue.Venue`.

    Args:
        peers: how they find each other.
        lock: where a new leader writes its name; None: nowhere.

    Raises:
        ConfigurationError: the peers have no name of their own, or one beside that of the lock; or the lock
            is one of those whose holders expire.
    """

    def __init__(self, peers: Peers, lock: Lock | None) -> None:
        if not peers.name and lock is None:
            raise ConfigurationError("Peers that are alone need the name of their election: Peers(NAME, …).")
        if lock is None and peers.on_outage != "wait":
            raise ConfigurationError("on_outage is about the API, which peers that are alone do not ask.")
        if peers.name and lock is not None:
            raise ConfigurationError(
                f"the election has two names: leave {peers.name!r} out of Peers, the lock has one."
            )
        if isinstance(lock, KubeLock | MultiLock) and not isinstance(lock, PeersLock):
            raise ConfigurationError(
                f"{lock.describe()} would expire, since peers do not renew it: pass its name, or a PeersLock."
            )
        self._peers = peers
        self._lock = lock

    def describe(self) -> str:
        """Return that it is held by peers, and its name."""
        return f"peers {self.election}"

    @property
    def election(self) -> str:
        """``NAMESPACE/NAME``."""
        return self._lock.election if self._lock else f"{self._peers.namespace}/{self._peers.name}"

    @asynccontextmanager
    async def open(
        self, candidature: Candidature, publish: Callable[[Event], None]
    ) -> AsyncIterator[Candidacy]:
        """Open the lock, if there is one, and the socket.

        Raises:
            ConfigurationError: the secret cannot be read, or the address cannot be listened on.
        """
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(self._lock.open()) if self._lock else None
            # Made here and not earlier: a forked or copied process must get one of its own (rule 5).
            incarnation = secrets.token_bytes(_INCARNATION_BYTES)
            key_file = KeyFile(self._peers.secret)
            gate = Gate(self.election, key_file.keys, incarnation)
            registrar = None
            if session is None:
                node = PeerNode(**self._node_arguments(candidature, incarnation))
            else:
                arguments = self._node_arguments(candidature, incarnation)
                node = RegisteredNode(on_outage=self._peers.on_outage, **arguments)
                registrar = Registrar(node, session, candidature.timing, publish)
            driver = PeerDriver(node, gate, key_file, self._peers.discovery, publish, registrar)
            stack.push_async_callback(driver.aclose)
            await self._listen(driver)
            yield driver

    def _node_arguments(self, candidature: Candidature, incarnation: bytes) -> dict[str, Any]:
        return {
            "identity": candidature.identity,
            "incarnation": incarnation,
            "electorate": self._peers.electorate(candidature.identity, candidature.timing),
            "timing": candidature.timing,
            "draw": random.SystemRandom().random,
            "floor": _unix_ms,
            "now": boot_time(),
            "drain_timeout": candidature.drain_timeout,
            "epoch": candidature.epoch,
            "election": self.election,
            "preference": candidature.preference,
        }

    async def _listen(self, driver: PeerDriver) -> None:
        host, port = self._address()
        try:
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: driver, local_addr=(host, port))
        except (OSError, UnicodeError) as error:  # (of a name that cannot even be looked up)
            reason = str(getattr(error, "strerror", None) or error).lower()
            raise ConfigurationError(
                f"cannot receive datagrams at {host}:{port}: {reason}; choose another address to listen at"
            ) from error

    def _address(self) -> tuple[str, int]:
        text = self._peers.listen
        if text is None:
            return own_host() or "0.0.0.0", DEFAULT_PORT
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise ConfigurationError(f"cannot listen at {text!r:.80}: write HOST:PORT, or :PORT")
        return host or "0.0.0.0", int(port)


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000
