"""Link: the network between one process and the API server."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tenure.testing.schedule import Schedule

__all__ = ["Link"]

_QUICKEST_S = 0.001
_MEAN_EXCESS_S = 0.003


@dataclass
class Link:
    """What happens to the packets of one process.

    Attributes:
        schedule: of the simulation.
        random: of the simulation.
        outgoing: whether requests get through.
        incoming: whether answers and watch events do.
        loss: share of the requests, and of the answers, that are lost.
        slowness_s: how much longer each way takes, on average.
        keeps: share of what was sent over a cut link that arrives when it is whole again, since TCP sends it
            anew: so a write takes effect after its client gave up.
    """

    schedule: Schedule
    random: Random
    outgoing: bool = True
    incoming: bool = True
    loss: float = 0.0
    slowness_s: float = 0.0
    keeps: float = 0.5
    _kept: list[tuple[Any, ...]] = field(default_factory=list)

    def latency_s(self) -> float:
        """Draw how long one way takes: never nothing, seldom long; seconds."""
        return _QUICKEST_S + self.random.expovariate(1 / (_MEAN_EXCESS_S + self.slowness_s))

    def send_out(self, action: Any, *args: Any) -> None:
        """Carry a request."""
        self._carry(self.outgoing, action, args)

    def send_in(self, action: Any, *args: Any) -> None:
        """Carry an answer."""
        self._carry(self.incoming, action, args)

    def reopen(self) -> None:
        """Let both ways through again, and what was kept as well."""
        self.outgoing = self.incoming = True
        kept, self._kept = self._kept, []
        for action, *args in kept:
            self.schedule.after(self.latency_s(), action, *args)

    def _carry(self, is_open: bool, action: Any, args: tuple[Any, ...]) -> None:
        if is_open:
            if not self.loss or self.random.random() >= self.loss:
                self.schedule.after(self.latency_s(), action, *args)
        elif self.random.random() < self.keeps:
            self._kept.append((action, *args))
