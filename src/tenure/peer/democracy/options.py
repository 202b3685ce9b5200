"""Options: what a member is constructed with, validated as a whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tenure.errors import ConfigurationError
from tenure.peer.democracy.address import Address, parse_address
from tenure.peer.democracy.chunks import SMALLEST_PACKET
from tenure.peer.democracy.packets import LONGEST_NAME, MOST_CHANNELS, checked_event

__all__ = ["Options"]

_LARGEST_PACKET = 20_000  # three bytes a unit must still fit into a datagram


@dataclass(frozen=True, kw_only=True)
class Options:
    """How one member behaves.

    Attributes:
        source: own address, ``HOST:PORT``, numeric; the others learn it.
        peers: addresses of others; one's own may be among them.
        weight: the highest one wins; None: drawn at the start. Should be unique.
        identity: None: drawn at the start. Must be unique.
        interval: seconds between two hellos.
        timeout: seconds of silence after which a member is voted down.
        max_packet_size: UTF-16 units; longer messages are cut into chunks.
        channels: what the member is subscribed to from the start.
        address: `source`, parsed.
        configured: `peers`, parsed, without one's own.

    Raises:
        ConfigurationError: one sentence for the first fault.
    """

    source: str
    peers: Sequence[str] = ()
    weight: float | None = None
    identity: str | None = None
    interval: float = 1.0
    timeout: float = 3.0
    max_packet_size: int = 508
    channels: Sequence[str] = ()
    address: Address = field(init=False)
    configured: tuple[Address, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("peers", "channels"):
            if isinstance(getattr(self, name), str):
                raise ConfigurationError(f"{name} must be a list, not {getattr(self, name)!r}")
        object.__setattr__(self, "address", _parse("source", self.source))
        peers = dict.fromkeys(_parse("peers", peer) for peer in self.peers)
        peers.pop(self.address, None)
        object.__setattr__(self, "configured", tuple(peers))
        for channel in self.channels:
            checked_event(channel)
        if fault := self._fault():
            raise ConfigurationError(fault)

    def _fault(self) -> str | None:
        if self.weight is not None and not _is_positive(self.weight):
            return f"weight must be a number above 0, not {self.weight!r}"
        if self.identity is not None and not 0 < len(self.identity) <= LONGEST_NAME:
            return f"identity must have 1 to {LONGEST_NAME} characters"
        for name in ("interval", "timeout"):
            if not _is_positive(getattr(self, name)):
                return f"{name} must be a positive number of seconds, not {getattr(self, name)!r}"
        if self.timeout <= self.interval:
            return f"timeout ({self.timeout:g} s) must be longer than interval ({self.interval:g} s)"
        size = self.max_packet_size
        if not (isinstance(size, int) and SMALLEST_PACKET <= size <= _LARGEST_PACKET):
            return f"max_packet_size must be from {SMALLEST_PACKET} to {_LARGEST_PACKET}"
        if len(self.channels) > MOST_CHANNELS:
            return f"channels must be at most {MOST_CHANNELS}"
        return None


def _parse(name: str, text: str) -> Address:
    try:
        return parse_address(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
