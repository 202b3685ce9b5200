"""StaticPeers: a list that somebody has written down."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing

from tenure.errors import ConfigurationError
from tenure.peer.discovery.complaint import Complaint
from tenure.peer.discovery.lookups import Lookups
from tenure.peer.discovery.peer import Peer
from tenure.peer.discovery.poll import poll
from tenure.peer.discovery.target import Target, all_distinct

__all__ = ["StaticPeers"]


class StaticPeers:
    """Peers whose places are known; host names are looked up, again and again. See `Discovery`.

    Args:
        peers: ``HOST:PORT`` by name, or a list of ``NAME=HOST:PORT`` or ``HOST:PORT``; this process is one
            of them.
        period_s: seconds between two looks at host names.

    Raises:
        ConfigurationError: an entry is malformed, or contradicts another.
    """

    def __init__(self, peers: Mapping[str, str] | Iterable[str], *, period_s: float = 5.0) -> None:
        if isinstance(peers, str):
            raise ConfigurationError(f"peers={peers!r:.80} is one string: pass a list or a mapping")
        entries = (
            [f"{name}={place}" for name, place in peers.items()] if isinstance(peers, Mapping) else peers
        )
        self._targets = all_distinct(Target.parse(entry) for entry in entries)
        self._period_s = period_s

    def describe(self) -> str:
        return f"list of {len(self._targets)} peers"

    def names(self) -> tuple[str, ...]:
        return tuple(target.name for target in self._targets if target.name)

    def port_of(self, name: str) -> int | None:
        """Return the port at which others look for a peer; None: the list does not name it."""
        return next((target.port for target in self._targets if target.name == name), None)

    async def watch(self) -> AsyncGenerator[frozenset[Peer], None]:
        lookups = Lookups(Complaint(self.describe))
        try:
            async with aclosing(poll(lambda: lookups.peers(self._targets), self._period_s)) as sets:
                async for peers in sets:
                    yield peers
        finally:
            await lookups.aclose()
