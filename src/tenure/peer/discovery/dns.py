"""DnsPeers: the addresses of a headless Service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from tenure.errors import ConfigurationError
from tenure.kubernetes.names import check_label
from tenure.peer.discovery.address import check_host, check_port, numeric
from tenure.peer.discovery.complaint import Complaint
from tenure.peer.discovery.peer import Peer, one_each
from tenure.peer.discovery.poll import poll
from tenure.peer.discovery.unanswered import UnansweredError

if TYPE_CHECKING:
    from tenure.peer.discovery.resolver import Resolver

__all__ = ["DnsPeers"]


class DnsPeers:
    """All addresses (A and AAAA) of one name, or those of the Pods of a StatefulSet. See `Discovery`.

    Addresses alone have no names: their owners tell them. The Pods of a StatefulSet have names of their own
    within its Service, so the voters are known from the start.

    Args:
        host: the name of the headless Service, within this Pod's search domains or in full.
        port: the UDP port of every peer.
        stateful_set: look up ``STATEFUL_SET-0.HOST`` and so on in place of `host`.
        ordinals: how many of these; the first is 0.
        period_s: seconds between two looks.
        resolver: None: as ``/etc/resolv.conf`` says.

    Raises:
        ConfigurationError: an argument cannot be one, or dnspython is not installed.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        stateful_set: str | None = None,
        ordinals: int = 0,
        period_s: float = 5.0,
        resolver: Resolver | None = None,
    ) -> None:
        if numeric(check_host(host)):
            raise ConfigurationError(f"{host} is an address already: write a list, or the name of a Service")
        if (stateful_set is None) != (ordinals == 0) or ordinals < 0:
            raise ConfigurationError(
                f"stateful_set={stateful_set!r}, ordinals={ordinals}: a StatefulSet's name and the number of "
                "its Pods go together"
            )
        self._host = host
        self._port = check_port(port)
        self._names = tuple(f"{check_label('stateful_set', stateful_set or '')}-{n}" for n in range(ordinals))
        self._period_s = period_s
        self._resolver = resolver or system_resolver()

    def describe(self) -> str:
        pods = f"{self._names[0]} to {self._names[-1]} in " if self._names else ""
        return f"DNS records of {pods}{self._host}"

    def names(self) -> tuple[str, ...]:
        return self._names

    def watch(self) -> AsyncGenerator[frozenset[Peer], None]:
        known: dict[str, frozenset[Peer]] = {}
        complaint = Complaint(self.describe)

        async def look() -> frozenset[Peer] | None:
            """Ask for all of them; of whom nothing was found out, the last answer stands."""
            faults = await asyncio.gather(*(self._look_up(name, known) for name in self._names or ("",)))
            if any(faults):
                complaint.say(next(filter(None, faults)), "unanswered")
            else:
                complaint.over()
            return frozenset().union(*known.values()) if known else None

        return poll(look, self._period_s)

    async def _look_up(self, name: str, known: dict[str, frozenset[Peer]]) -> str:
        """Note what is known of one name; returns what was wrong, if anything."""
        try:
            hosts = await self._resolver.addresses(f"{name}.{self._host}" if name else self._host)
        except UnansweredError as error:
            return str(error)
        known[name] = one_each(Peer(name, host, self._port) for host in hosts)
        return ""


def system_resolver() -> Resolver:
    """Return a resolver as ``/etc/resolv.conf`` says.

    Raises:
        ConfigurationError: dnspython is not installed, or the file names no server.
    """
    from tenure.peer.discovery.resolver import Resolver

    return Resolver()
