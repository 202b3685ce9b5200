"""Relay: carries datagrams between the demo's members, and can be told to carry no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, cast

__all__ = ["Address", "Relay"]

Address = tuple[str, int]
"""Numeric host and port."""


class Relay:
    """Between every two members: each is told addresses of this relay in place of those of the others.

    What a member sends to such an address reaches the other one as if it came from the address that that one
    has for the sender. So the members never hear of each other's real addresses, and each direction can be
    cut.

    Args:
        members: their names.

    Attributes:
        places: where each member really listens; nothing is carried to those that are not in it.
    """

    def __init__(self, members: Iterable[str]) -> None:
        self._members = tuple(members)
        self.places: dict[str, Address] = {}
        self._ways: dict[tuple[str, str], _Way] = {}
        self._cut: set[tuple[str, str]] = set()

    async def open(self) -> None:
        """Begin to carry."""
        loop = asyncio.get_running_loop()
        pairs = [(sender, to) for sender in self._members for to in self._members if sender != to]
        for sender, to in pairs:
            make = partial(_Way, partial(self._carry, sender, to))
            _, self._ways[sender, to] = await loop.create_datagram_endpoint(make, ("127.0.0.1", 0))

    def close(self) -> None:
        """Carry nothing any more, and free the sockets."""
        for way in self._ways.values():
            way.transport.close()

    def address(self, *, of: str, told: str) -> Address:
        """Return where the member `told` is to send what is meant for another one."""
        address: Address = self._ways[told, of].transport.get_extra_info("sockname")
        return address

    def part(self, *groups: Iterable[str]) -> None:
        """Carry nothing between members of different groups, in either direction."""
        group_of = {name: number for number, group in enumerate(groups) for name in group}
        self._cut = {(sender, to) for sender, to in self._ways if group_of[sender] != group_of[to]}

    def heal(self) -> None:
        """Carry everything again."""
        self._cut = set()

    def _carry(self, sender: str, to: str, data: bytes) -> None:
        place = self.places.get(to)
        if place is not None and (sender, to) not in self._cut:
            self._ways[to, sender].transport.sendto(data, place)


class _Way(asyncio.DatagramProtocol):
    """One socket: what one member sends to one other."""

    def __init__(self, carry: Callable[[bytes], None]) -> None:
        self._carry = carry

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._carry(data)
