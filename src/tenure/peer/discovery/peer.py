"""Peer: one member of an election, as discovery knows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tenure.peer.discovery.address import of_one_family, sort_key

__all__ = ["Peer", "one_each"]


class Peer(NamedTuple):
    """Where a member is.

    Attributes:
        name: of its Pod; empty: not known yet, its messages will tell it.
        host: a numeric address, IPv4 or IPv6.
        port: its UDP port.
    """

    name: str
    host: str
    port: int


def one_each(peers: Iterable[Peer]) -> frozenset[Peer]:
    """Return one peer for each name, and those without a name in one address family.

    A Pod of a dual-stack cluster has two addresses: its own kind is the one that this Pod has, too.
    """
    by_name: dict[str, list[Peer]] = {}
    for peer in peers:
        by_name.setdefault(peer.name, []).append(peer)
    nameless = by_name.pop("", [])
    hosts = of_one_family(peer.host for peer in nameless)
    return frozenset(
        [peer for peer in nameless if peer.host in hosts] + [_first(same) for same in by_name.values()]
    )


def _first(same: list[Peer]) -> Peer:
    hosts = of_one_family(peer.host for peer in same)
    return min(
        (peer for peer in same if peer.host in hosts), key=lambda peer: (sort_key(peer.host), peer.port)
    )
