"""Baton: keeps two electors of one process from overtaking each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from tenure.events import Event

__all__ = ["Baton", "wait_until"]

_LOOK_EVERY_S = 0.001


class _Looking(Protocol):
    @property
    def leader(self) -> str | None: ...


class Baton:
    """Who has it, and who follows.

    Without it, whoever gives the term up campaigns again and has it back before the other has heard that it
    is free, and no leadership ever changes.
    """

    def __init__(self) -> None:
        self._holder = ""
        self._out = {"a", "b"}
        self._moved = asyncio.Event()

    def take(self, name: str) -> None:
        """A term of `name` has begun."""
        self._holder = name
        self._out.discard(name)
        self._moved.set()

    def give(self, name: str) -> None:
        """A term of `name` has ended, and what it had heard is forgotten."""
        self._out.add(name)
        self._moved.set()

    def hear(self, event: Event) -> None:
        """An elector has something to say: whoever waits looks again."""
        self._moved.set()

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait, in the event loop, until a condition holds."""
        while not is_true():
            self._moved.clear()
            await self._moved.wait()

    def is_taken_from(self, name: str) -> bool:
        """Tell whether the other one has it by now."""
        return self._holder != name

    def is_awaited(self, name: str, other: str, elector: _Looking) -> bool:
        """Tell whether `other`, whose elector this is, campaigns again and knows that `name` leads."""
        return other in self._out and elector.leader == name


def wait_until(is_true: Callable[[], bool]) -> None:
    """Wait, in a thread, until a condition holds."""
    while not is_true():
        time.sleep(_LOOK_EVERY_S)
