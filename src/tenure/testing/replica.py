"""Replica: one API server of a cluster; all of them answer for the same store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Replica"]


@dataclass
class Replica:
    """One API server and its present condition.

    Attributes:
        up: it runs; else connections are refused, and watches end.
        paused: it stands still: what arrives is answered, and written, when it goes on.
        lag_s: how old the state is that it serves, in reads and watches; seconds.
        errors: share of the requests that it answers with a 5xx, half of them after it has done them.
        retry_after_s: it answers 429 with this many seconds; None: it does not.
    """

    up: bool = True
    paused: bool = False
    lag_s: float = 0.0
    errors: float = 0.0
    retry_after_s: float | None = None
    _waiting: list[Callable[[], None]] = field(default_factory=list)

    def when_it_runs(self, action: Callable[[], None]) -> None:
        """Do something, at once unless it is paused."""
        if self.paused:
            self._waiting.append(action)
        else:
            action()

    def resume(self) -> None:
        """Go on after a pause, and do what has waited."""
        self.paused = False
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action()
