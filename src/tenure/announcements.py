"""Announcements: what an elector or observer tells of the leader, to whoever wants to know."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from tenure.events import Event, LeaderChanged

__all__ = ["Announcements"]

_log = logging.getLogger("tenure")
_UNKNOWN = LeaderChanged(leader=None, is_self=False, token=None, reason="nothing has been read yet")


class Announcements:
    """Keeps the newest `LeaderChanged` and passes every event on.

    Attributes:
        latest: what is known of the leader now.
    """

    def __init__(self) -> None:
        self.latest = _UNKNOWN
        self._subscribers: list[Callable[[Event], None]] = []
        self._changed: set[asyncio.Event] = set()

    def publish(self, event: Event) -> None:
        """Tell everybody."""
        if isinstance(event, LeaderChanged):
            self.latest = event
            for changed in self._changed:
                changed.set()
        for subscriber in tuple(self._subscribers):
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
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    async def changes(self) -> AsyncIterator[LeaderChanged]:
        """Yield the present state, then every change; somebody slow gets the newest only."""
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            while True:
                changed.clear()
                yield self.latest
                await changed.wait()
        finally:
            self._changed.discard(changed)
