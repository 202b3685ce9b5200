"""Crowd: the connections of one server, and which of them can be spared."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Crowd", "Member"]


class Member(Protocol):
    """A connection."""

    def cut(self) -> None:
        """Close it at once, whatever is still to be sent."""


class Crowd:
    """Makes room for newcomers.

    Args:
        limit: how many there may be.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._members: set[Member] = set()
        self._waiting: dict[Member, None] = {}  # in the order in which they began to wait

    def enter(self, member: Member) -> None:
        """A connection was opened; nothing has come from it yet. If there are too many, one is cut off."""
        self._members.add(member)
        self.wait(member)
        if len(self._members) > self._limit:
            spared = next(iter(self._waiting))
            self.leave(spared)
            spared.cut()

    def wait(self, member: Member) -> None:
        """Its request has yet to come, or to be completed."""
        if member in self._members:
            self._waiting.setdefault(member)

    def serve(self, member: Member) -> None:
        """Its request is complete, and is being answered."""
        self._waiting.pop(member, None)

    def leave(self, member: Member) -> None:
        """It is closed."""
        self._members.discard(member)
        self._waiting.pop(member, None)
