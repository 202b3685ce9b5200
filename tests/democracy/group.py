"""Group: members of both kinds on the loopback, for the time of a scene."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from tenure.peer.democracy.unsafe import Democracy
from tests.democracy.real import RealMember, free_addresses
from tests.drivers.tools import until

__all__ = ["Group", "Ours"]

# As short as a busy machine allows: who is late by the timeout is taken for dead.
_INTERVAL_S, _TIMEOUT_S = 0.1, 2.0
_TOLD = ("added", "removed", "leader", "elected", "resigned")


class Ours:
    """One `Democracy`, and what it was told.

    Attributes:
        group: the object itself.
        source: its address.
        happened: event, and identity of the member or the data that it is about.
    """

    def __init__(self, group: Democracy, source: str, events: tuple[str, ...]) -> None:
        self.group = group
        self.source = source
        self.happened: list[tuple[str, Any]] = []
        for event in (*_TOLD, *events):
            group.on(event, self._note(event))

    def told(self, *events: str) -> list[tuple[str, Any]]:
        """Return what it was told of these events, oldest first."""
        return [happened for happened in self.happened if happened[0] in events]

    @property
    def leader(self) -> str:
        """Whom it takes for the leader; empty: nobody."""
        return leader.identity if (leader := self.group.leader()) else ""

    async def leave(self) -> None:
        """End its part before the group ends."""
        await self.group.__aexit__(None, None, None)

    def _note(self, event: str) -> Callable[[Any], None]:
        return lambda about: self.happened.append((event, getattr(about, "identity", about)))


class Group:
    """Starts members, which end with the block. Each knows those that were started before it.

    Args:
        strangers: addresses that all know, too.
    """

    def __init__(self, *strangers: str) -> None:
        self._stack = AsyncExitStack()
        self._sources = list(strangers)

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def theirs(
        self,
        identity: str,
        weight: float,
        *events: str,
        source: str = "",
        alone: bool = False,
        timeout_s: float = _TIMEOUT_S,
    ) -> RealMember:
        """Start a member of democracy.js, which reports `events` of the application too, and wait for it.

        Args:
            source: its address; empty: a free one.
            alone: it knows nobody, and nobody who comes later knows it.
            timeout_s: of silence, after which it votes.
        """
        source = source or free_addresses(1)[0]
        peers = self._acquaint(source, alone)
        member = RealMember(
            identity,
            source,
            peers=peers,
            weight=weight,
            interval_s=_INTERVAL_S,
            timeout_s=timeout_s,
            events=events,
        )
        member.start()
        self._stack.callback(member.kill)
        await until(lambda: member.told("started"))
        return member

    async def ours(
        self,
        identity: str,
        weight: float,
        *events: str,
        source: str = "",
        alone: bool = False,
        timeout_s: float = _TIMEOUT_S,
        channels: tuple[str, ...] = (),
    ) -> Ours:
        """Start a member of ours; else like `theirs`."""
        source = source or free_addresses(1)[0]
        peers = self._acquaint(source, alone)
        group = Democracy(
            source,
            peers=peers,
            weight=weight,
            identity=identity,
            interval=_INTERVAL_S,
            timeout=timeout_s,
            channels=channels,
        )
        member = Ours(group, source, events)
        await self._stack.enter_async_context(group)
        return member

    def _acquaint(self, source: str, alone: bool) -> list[str]:
        if alone:
            return []
        peers = list(self._sources)
        self._sources.append(source)
        return peers
