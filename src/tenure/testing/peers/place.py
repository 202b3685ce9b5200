"""Place: where a simulated peer runs, and what it is started with."""

from __future__ import annotations

from dataclasses import dataclass

from tenure.peer.electorate import Electorate
from tenure.peer.membership import Address

__all__ = ["Place"]


@dataclass
class Place:
    """Belongs to a process, over all its starts.

    Attributes:
        address: that it is reached at since its last start.
        electorate: that its next start goes by.
        wall_offset_s: how far its wall clock is from true time, in seconds.
        is_blind: discovery tells it nothing new.
        is_gone: it has left, and discovery has forgotten it.
    """

    address: Address
    electorate: Electorate
    wall_offset_s: float = 0.0
    is_blind: bool = False
    is_gone: bool = False
