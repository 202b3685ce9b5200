"""SrvPeers: the SRV records of a headless Service."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from tenure.peer.discovery.address import check_host
from tenure.peer.discovery.complaint import Complaint
from tenure.peer.discovery.dns import system_resolver
from tenure.peer.discovery.peer import Peer, one_each
from tenure.peer.discovery.poll import poll
from tenure.peer.discovery.unanswered import UnansweredError

if TYPE_CHECKING:
    from tenure.peer.discovery.resolver import Resolver

__all__ = ["SrvPeers"]


class SrvPeers:
    """Names, addresses and ports, out of the SRV records of one port. See `Discovery`.

    The first label of a record's target is the name of the Pod, if the Pod has a name in DNS (those of a
    StatefulSet have); else it is only its address once more, and the Pod tells its name itself.

    Args:
        name: ``_PORT._udp.SERVICE.NAMESPACE.svc.cluster.local``, or within this Pod's search domains.
        period_s: seconds between two looks.
        resolver: None: as ``/etc/resolv.conf`` says.

    Raises:
        ConfigurationError: it cannot be a name, or dnspython is not installed.
    """

    def __init__(self, name: str, *, period_s: float = 5.0, resolver: Resolver | None = None) -> None:
        self._name = check_host(name)
        self._period_s = period_s
        self._resolver = resolver or system_resolver()

    def describe(self) -> str:
        return f"SRV records of {self._name}"

    def names(self) -> tuple[str, ...]:
        return ()

    def watch(self) -> AsyncGenerator[frozenset[Peer], None]:
        complaint = Complaint(self.describe)

        async def look() -> frozenset[Peer] | None:
            try:
                services = await self._resolver.services(self._name)
            except UnansweredError as error:
                complaint.say(str(error), "unanswered")
                return None
            complaint.over()
            return one_each(
                Peer(_name_in(target, host), host, port) for target, port, hosts in services for host in hosts
            )

        return poll(look, self._period_s)


def _name_in(target: str, host: str) -> str:
    """Return the first label, unless it is the address, as cluster DNS writes it in a name."""
    label = target.partition(".")[0]
    return "" if label == host.replace(".", "-").replace(":", "-") else label
