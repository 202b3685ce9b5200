"""SimulatedElection: one election of a simulated cluster: its record, its candidates, its referee."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tenure.election import OnMissing
from tenure.events import Event
from tenure.requests import Purpose, Request
from tenure.testing.ambush import Ambush
from tenure.testing.process import Process
from tenure.testing.replica import Replica
from tenure.testing.schedule import Schedule
from tenure.testing.simulated_driver import SimulatedDriver
from tenure.testing.site import Site
from tenure.testing.world import Candidate, Change, Core, Observer, World

__all__ = ["SimulatedElection"]


class SimulatedElection(Observer):
    """One election.

    Args:
        schedule: of the simulation.
        random: of the simulation.
        spring: does what an ambush is for, given it and the name of the process whose write, or message, it
            waited for.
        make_world: makes its world from the observers.
        observers: who is to be told of everything that happens, before the drivers are.

    Attributes:
        world: the candidates, dead ones too, and the record.
        site: the record as the API servers have it.
        ambushes: that wait for a write, or among peers for a message.
    """

    def __init__(
        self,
        schedule: Schedule,
        random: Random,
        *observers: Observer,
        spring: Callable[[Ambush, str], None],
        make_world: Callable[..., World] = World,
    ) -> None:
        self.site = Site(schedule)
        self.world = make_world(*observers, self.site, self)
        self.ambushes: list[Ambush] = []
        self._sprung: list[Ambush] = []
        self._spring = spring
        self._schedule = schedule
        self._random = random
        self._drivers: dict[Candidate, SimulatedDriver] = {}
        self._by_process: dict[Process, SimulatedDriver] = {}

    def said(self, candidate: Candidate, event: Event) -> None:
        """Let its driver act on an event."""
        self._drivers[candidate].said(event)

    def sent(self, candidate: Candidate, request: Request) -> None:
        """Let its driver carry a request."""
        self._drivers[candidate].sent(request)

    def changed(self, change: Change) -> None:
        """Spring the ambushes that waited for this write."""
        if change.request is not None and change.author is not None:
            self.spring(change.request.purpose, self._drivers[change.author])

    def spring(self, purpose: Purpose | str, driver: SimulatedDriver) -> None:
        """Spring the ambushes that waited for what this driver has just done."""
        for ambush in [each for each in self.ambushes if each.purpose == purpose]:
            self.ambushes.remove(ambush)
            self._sprung.append(ambush)
            self._schedule.after(ambush.delay_s, self._strike, ambush, driver.process.name)

    def forget_ambushes(self) -> None:
        """Nothing comes of those that wait, nor of those that were sprung and have a delay."""
        self.ambushes.clear()
        self._sprung.clear()

    def _strike(self, ambush: Ambush, writer: str) -> None:
        if ambush in self._sprung:
            self._sprung.remove(ambush)
            self._spring(ambush, writer)

    def join(self, process: Process, core: Core, on_missing: OnMissing) -> SimulatedDriver:
        """Let a process campaign with a new core; return its driver, which is still to be started."""
        candidate = Candidate(
            process.title,
            core,
            process.clock,
            process.timing,
            on_missing,
            identity=process.identity,
            preference=process.preference,
        )
        self.world.now = self._schedule.now
        self.world.add(candidate)
        driver = self._drive(process, candidate)
        self._drivers[candidate] = driver
        self._by_process[process] = driver
        return driver

    def _drive(self, process: Process, candidate: Candidate) -> SimulatedDriver:
        return SimulatedDriver(self._schedule, self._random, self.site, self.world, process, candidate)

    def leave(self, process: Process) -> None:
        """The process has crashed."""
        self.world.now = self._schedule.now
        self._by_process.pop(process).stop()

    def pause(self, process: Process) -> None:
        """The process stands still."""
        self.world.now = self._schedule.now
        self.world.pause(self._by_process[process].candidate)

    def suspend(self, process: Process, seconds: float) -> None:
        """The machine of the process sleeps."""
        self.world.now = self._schedule.now
        self.world.suspend(self._by_process[process].candidate, seconds)

    def skew(self, process: Process, rate: float) -> None:
        """The clock of its machine runs at another rate."""
        self.world.now = self._schedule.now
        self.world.skew(self._by_process[process].candidate, rate)

    def wake(self, process: Process) -> None:
        """The process runs again; nothing has been done yet."""
        self.world.now = self._schedule.now
        self.world.wake(self._by_process[process].candidate)

    def heal(self, process: Process) -> None:
        """Its link, or its API server, is well again."""
        if process in self._by_process:
            self._by_process[process].watch.healed()

    def cut_off(self, replica: Replica) -> None:
        """An API server has gone down."""
        for driver in self._by_process.values():
            driver.watch.cut_off(replica)

    def driver_of(self, process: Process) -> SimulatedDriver:
        """Return what drives the candidate of a process that runs."""
        return self._by_process[process]

    @property
    def drivers(self) -> list[SimulatedDriver]:
        """Those of all processes that run."""
        return list(self._by_process.values())

    @property
    def leaders(self) -> list[SimulatedDriver]:
        """Those whose candidate has a valid term at this moment."""
        now = self._schedule.now
        return [each for each in self._by_process.values() if each.candidate.has_valid_term(now)]
