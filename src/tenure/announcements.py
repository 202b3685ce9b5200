"""Announcements: what an elector or observer tells of the leader, to whoever wants to know."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from tenure.events import Event, LeaderChanged
from tenure.fork import fork_generation

__all__ = ["Announcements"]

_log = logging.getLogger("tenure")
_UNKNOWN = LeaderChanged(leader=None, is_self=False, token=None, reason="nothing has been read yet")


class Announcements:
    """Keeps the newest `LeaderChanged` and passes every event on."""

    def __init__(self) -> None:
        self._latest = _UNKNOWN
        self._generation = fork_generation()
        self._subscribers: dict[object, Callable[[Event], None]] = {}
        self._changed: dict[asyncio.Event, None] = {}  # in order, so that a simulation can be repeated

    @property
    def latest(self) -> LeaderChanged:
        """What is known of the leader now; a forked child knows nothing before it watches itself."""
        return self._latest if self._generation == fork_generation() else _UNKNOWN

    def publish(self, event: Event) -> None:
        """Tell everybody."""
        if isinstance(event, LeaderChanged):
            self._latest, self._generation = event, fork_generation()
            for changed in self._changed:
                changed.set()
        for subscriber in tuple(self._subscribers.values()):
            try:
                subscriber(event)
            except Exception:
                _log.exception("a subscriber failed at %r", event)

    def close(self) -> None:
        """Nobody watches the record any more, so nothing is known of the leader."""
        if self.latest != _UNKNOWN:
            self.publish(_UNKNOWN)

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call back with every event, in the event loop's thread; return what ends that."""
        key = object()  # the same callback may come twice, and each subscription ends by itself
        self._subscribers[key] = callback

        def unsubscribe() -> None:
            self._subscribers.pop(key, None)

        return unsubscribe

    async def changes(self) -> AsyncIterator[LeaderChanged]:
        """Yield the present state, then every change; somebody slow gets the newest only."""
        changed = asyncio.Event()
        self._changed[changed] = None
        told = None
        try:
            while True:
                changed.clear()
                if (latest := self.latest) != told:
                    told = latest
                    yield latest
                await changed.wait()
        finally:
            del self._changed[changed]
