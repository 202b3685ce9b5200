"""Lookups: host names of a list of peers, asked of the system, ``/etc/hosts`` included."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection

from tenure.peer.discovery.address import numeric, of_one_family, sort_key
from tenure.peer.discovery.complaint import Complaint
from tenure.peer.discovery.peer import Peer
from tenure.peer.discovery.target import Target

__all__ = ["Lookups"]

# A name server that is down takes longer than this; nobody else waits for it.
_PATIENCE_S = 2.0


class Lookups:
    """The addresses of host names, found anew with every call of `peers`.

    A name that cannot be looked up keeps its last address; one that never could has none, and is no peer yet.

    Args:
        complaint: is told what cannot be looked up.
    """

    def __init__(self, complaint: Complaint) -> None:
        self._complaint = complaint
        self._known: dict[str, str] = {}
        self._faults: dict[str, str] = {}
        self._pending: dict[str, asyncio.Task[None]] = {}

    async def peers(self, targets: Collection[Target]) -> frozenset[Peer]:
        """Return the targets whose address is known; waits for slow answers only a little."""
        names = {target.host for target in targets if numeric(target.host) is None}
        for name in names - self._pending.keys():
            self._pending[name] = asyncio.create_task(self._look_up(name), name="tenure lookup")
        if self._pending:
            done, _ = await asyncio.wait(self._pending.values(), timeout=_PATIENCE_S)
            for task in done:
                task.result()
        self._report(names)
        return frozenset(
            Peer(target.name, host, target.port)
            for target in targets
            if (host := numeric(target.host) or self._known.get(target.host))
        )

    async def aclose(self) -> None:
        """Wait no longer for what is still being looked up."""
        pending = list(self._pending.values())
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    async def _look_up(self, name: str) -> None:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
            hosts = of_one_family(host for *_, (host, *_) in found if isinstance(host, str))
            self._known[name] = min(hosts, key=sort_key)
            self._faults.pop(name, None)
        except OSError as error:
            self._faults[name] = error.strerror or str(error)
        finally:
            self._pending.pop(name, None)

    def _report(self, names: Collection[str]) -> None:
        faults = {name: fault for name, fault in sorted(self._faults.items()) if name in names}
        if faults:
            said = ", ".join(f"{name} ({fault})" for name, fault in faults.items())
            self._complaint.say(f"cannot look up {said}", " ".join(faults))
        else:
            self._complaint.over()
