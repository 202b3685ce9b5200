"""Process: one simulated process, with its machine's clock and its link to an API server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tenure.handover import Preference
from tenure.testing.link import Link
from tenure.testing.machine import MachineClock
from tenure.testing.replica import Replica
from tenure.timing import Timing

__all__ = ["Process"]


@dataclass(eq=False)
class Process:
    """One process, which may campaign in several elections.

    Attributes:
        name: of the process.
        identity: that it campaigns under.
        clock: of its machine.
        link: to the API servers.
        replicas: those that its connections may end at.
        replica: that at which the one for its requests does.
        timing: of its candidates.
        preference: how much its candidates want to lead.
        authorized: its credentials are good.
        paused: it stands still.
        crashed: it has ended.
        drain_s: how long its bodies take to end; ``inf``: they run until they are killed at the hard limit.
        generation: how often it was started.
        inbox: what has arrived while it was paused.
    """

    name: str
    identity: str
    clock: MachineClock
    link: Link
    replicas: list[Replica]
    replica: Replica
    timing: Timing
    preference: Preference = field(default_factory=Preference)
    authorized: bool = True
    paused: bool = False
    crashed: bool = False
    drain_s: float = 0.05
    generation: int = 0
    inbox: list[Callable[[], None]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What tells it from the processes before it: a, a.1, a.2, …"""
        return f"{self.name}.{self.generation}" if self.generation else self.name

    def start_anew(self, identity: str) -> None:
        """A new process takes the place of one that has crashed."""
        self.identity = identity
        self.generation += 1
        self.crashed = self.paused = False
        self.inbox.clear()

    def connect_anew(self, random: Random) -> None:
        """Its next request takes a new connection, to whichever API server."""
        self.replica = random.choice(self.replicas)

    def when_it_runs(self, action: Callable[[], None]) -> None:
        """Do something in it, at once unless it is paused."""
        if self.paused:
            self.inbox.append(action)
        else:
            action()

    def catch_up(self) -> None:
        """Take in what has arrived while it was paused."""
        inbox, self.inbox = self.inbox, []
        for action in inbox:
            action()
