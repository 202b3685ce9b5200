"""Target: a peer as a person writes it down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Self

from tenure.errors import ConfigurationError
from tenure.peer.discovery.address import split_host_port

__all__ = ["Target", "all_distinct"]


class Target(NamedTuple):
    """Who is where.

    Attributes:
        name: of the peer; empty: not told.
        host: a numeric address, or a host name.
        port: its UDP port.
    """

    name: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``NAME=HOST:PORT`` or ``HOST:PORT``.

        Raises:
            ConfigurationError: it is neither.
        """
        name, equals, place = text.rpartition("=")
        name = name.strip()
        if equals and not is_name(name):
            raise ConfigurationError(f"{text!r:.80}: {name!r:.80} is no name: NAME=HOST:PORT")
        return cls(name, *split_host_port(place.strip()))


def is_name(text: str) -> bool:
    """Tell whether this can be the name of a peer in a list."""
    return bool(text) and text.isprintable() and not set(text) & set(" ,=#")


def all_distinct(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return the targets in order.

    Raises:
        ConfigurationError: there are none, or two of them have one name or one place.
    """
    found = tuple(targets)
    if not found:
        raise ConfigurationError("no peer is named: NAME=HOST:PORT for each, this one too")
    names, places = set[str](), set[tuple[str, int]]()
    for name, host, port in found:
        if name and name in names:
            raise ConfigurationError(f"two peers have the name {name!r:.80}")
        if (host, port) in places:
            raise ConfigurationError(f"two peers have the place {host:.80}, port {port}")
        names.add(name)
        places.add((host, port))
    return found
