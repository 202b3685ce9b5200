"""Members: the table of those that a member has heard of, within bounds whatever it hears."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tenure.peer.democracy.address import Address
from tenure.peer.democracy.packets import Presence

__all__ = ["MOST_MEMBERS", "Member", "Members", "State"]

MOST_MEMBERS = 128
"""Beside oneself."""
_MEMORY_S = 3600.0  # for which a member that was removed is told of things, should it come back

State = Literal["citizen", "leader", "removed"]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member of the group, as far as is known.

    Attributes:
        identity: unique in the group.
        weight: the highest one wins an election.
        state: as it said last, or as others said of it.
        source: its address, ``HOST:PORT``, as it said.
        channels: what it is subscribed to.
    """

    identity: str
    weight: float
    state: State
    source: str
    channels: tuple[str, ...] = ()


@dataclass
class _Entry:
    member: Member
    address: Address
    heard_at: float
    is_accused: bool = False  # this one has voted it down


class Members:
    """All others, by identity."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def __iter__(self) -> Iterator[Member]:
        """Iterate over those that were not removed."""
        return (e.member for e in self._entries.values() if e.member.state != "removed")

    def __contains__(self, identity: str) -> bool:
        """Tell whether it was not removed."""
        return (entry := self._entries.get(identity)) is not None and entry.member.state != "removed"

    def get(self, identity: str) -> Member:
        """Return one that is known, also if it was removed.

        Raises:
            KeyError: it is not known.
        """
        return self._entries[identity].member

    def make_room(self, identity: str) -> bool:
        """Tell whether the table can hold this one; the oldest of those that were removed gives way."""
        if identity in self._entries or len(self._entries) < MOST_MEMBERS:
            return True
        removed = [(e.heard_at, key) for key, e in self._entries.items() if e.member.state == "removed"]
        if not removed:
            return False
        del self._entries[min(removed)[1]]
        return True

    def hear(self, presence: Presence, address: Address, now: float) -> Member | None:
        """Note what a member tells of itself; return it if it is new, or is back."""
        member = Member(
            identity=presence.identity,
            weight=presence.weight,
            state="leader" if presence.is_leader else "citizen",
            source=presence.source,
            channels=presence.channels,
        )
        is_known = presence.identity in self
        self._entries[presence.identity] = _Entry(member, address, now)
        return None if is_known else member

    def accuse_silent(self, now: float, timeout: float) -> list[str]:
        """Return those who have been silent for too long and were not accused of it yet."""
        silent = [
            (identity, entry)
            for identity, entry in self._entries.items()
            if now - entry.heard_at > timeout and not entry.is_accused
        ]
        for _, entry in silent:
            entry.is_accused = True
        return [identity for identity, _ in silent]

    def remove(self, identity: str) -> Member | None:
        """Take a member for dead; return what it was, if it was alive until now."""
        if identity not in self:
            return None
        was = self.get(identity)
        self.mark(identity, "removed")
        return was

    def mark(self, identity: str, state: State) -> None:
        """Change the state of one that is known."""
        entry = self._entries[identity]
        entry.member = replace(entry.member, state=state)

    def forget(self, now: float) -> None:
        """Forget those that were removed and have been silent for an hour."""
        for identity, entry in tuple(self._entries.items()):
            if entry.member.state == "removed" and now - entry.heard_at > _MEMORY_S:
                del self._entries[identity]

    def addresses(self) -> Iterator[Address]:
        """Iterate over all addresses, of those that were removed as well."""
        return (entry.address for entry in self._entries.values())

    def subscribers(self, channel: str) -> Iterator[Address]:
        """Iterate over the addresses of those that are subscribed."""
        return (e.address for e in self._entries.values() if channel in e.member.channels)
