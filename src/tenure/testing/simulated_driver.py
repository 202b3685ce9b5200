"""SimulatedDriver: what `tenure.lock_driver` and an elector do for one candidate, in simulated time.

It carries the core's requests to the API server and the answers back, follows a watch, runs the body and
campaigns again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from random import Random

from tenure.events import Event, Lost, Overrun, TermEnding
from tenure.patience import Patience
from tenure.record import Versioned
from tenure.requests import ReadRequest, Request, WriteRequest
from tenure.states import State
from tenure.testing.process import Process
from tenure.testing.replica import Replica
from tenure.testing.schedule import Schedule
from tenure.testing.simulated_watch import SimulatedWatch
from tenure.testing.site import Site
from tenure.testing.world import Candidate, SeenTerm, World

__all__ = ["SimulatedDriver"]


# As in the production driver.
_LONGEST_SILENCE_S = 60.0
_WISHES_S = (0.0, 1.0)  # how long a 5xx asks to be left alone: some have a Retry-After


class _Flight:
    """One request on its way, whose answer is waited for as long as it is the driver's present one."""

    __slots__ = ("begun_at", "replica", "request")

    def __init__(self, request: Request, begun_at: float, replica: Replica) -> None:
        self.request = request
        self.begun_at = begun_at
        self.replica = replica


class SimulatedDriver:
    """One candidate of one election in one process.

    Args:
        schedule: of the simulation.
        random: of the simulation.
        site: the record, and who watches it.
        world: of the election.
        process: that it runs in.
        candidate: that it drives.

    Attributes:
        watch: on the record.
    """

    def __init__(
        self,
        schedule: Schedule,
        random: Random,
        site: Site,
        world: World,
        process: Process,
        candidate: Candidate,
    ) -> None:
        self.candidate = candidate
        self.process = process
        self._wants_to_lead = True
        self._stopped = False
        self._schedule = schedule
        self._random = random
        self._site = site
        self._world = world
        self._patience = Patience(process.timing.renew_deadline)
        self._flight: _Flight | None = None
        self._alarm_at = math.inf
        self.watch = SimulatedWatch(
            schedule,
            random,
            site,
            process,
            process.timing.retry_period,
            self._tell,
            partial(self.call, "refresh"),
        )

    def start(self) -> None:
        """Campaign."""
        self.call("campaign")

    def resign(self) -> None:
        """Give up what there is, and campaign no more."""
        self._wants_to_lead = False
        self.call("resign")

    def transfer(self, to: str) -> None:
        """Hand over what it leads."""
        self.process.when_it_runs(partial(self._do, partial(self._world.transfer, self.candidate, to)))

    def set_eligible(self, eligible: bool) -> None:
        """Its program says whether it is fit to lead."""
        say = partial(self._world.set_eligible, self.candidate, eligible)
        self.process.when_it_runs(partial(self._do, say))

    def campaign(self) -> None:
        """Campaign again, after a resignation."""
        if not self._stopped:
            self._wants_to_lead = True
            self.settle()

    def rewind(self) -> None:
        """The clock runs at another rate: what was due is due at another time."""
        self._alarm_at = math.inf
        self.settle()

    def disconnect(self) -> None:
        """All connections break."""
        self.process.connect_anew(self._random)
        self.watch.break_off()
        if self._flight is not None:
            self._fail(self._flight, False, 0.0)

    def stop(self) -> None:
        """The process ends: nothing is told to the core any more, nothing of it is heard."""
        self._stopped = True
        self._flight = None
        self.watch.close()
        self._world.crash(self.candidate)

    def call(self, method: str) -> None:
        """Call an input of the core that takes only the time, as soon as the process runs."""
        self.process.when_it_runs(partial(self._call, method))

    def fire(self) -> None:
        """Let the core do what is due."""
        self._world.now = self._schedule.now
        self._world.fire(self.candidate)
        self.settle()

    def settle(self) -> None:
        """Look when the core wants to be called; after whatever was done to it."""
        self._world.now = self._schedule.now
        due = self._world.next_timer(self.candidate)
        if due == math.inf:
            due = self._schedule.now + _LONGEST_SILENCE_S
        if due < self._alarm_at:
            self._alarm_at = due
            self._schedule.at(due, self._ring, due)
        if self._wants_to_lead and self.candidate.core.state is State.IDLE:
            self.call("campaign")

    # ---- what the core says

    def said(self, event: Event) -> None:
        """Do what an elector does with an event; the core is not to be touched within."""
        if isinstance(event, TermEnding | Lost):
            self._schedule.after(self.process.drain_s, self._end_body, self.candidate.term)
        elif isinstance(event, Overrun):
            self._schedule.after(0.0, self._end_body, self.candidate.term)

    def sent(self, request: Request) -> None:
        """Carry a request of the core to the API server."""
        now, clock = self._schedule.now, self.candidate.clock
        timeout_s = min(request.timeout, self._patience.timeout)
        flight = self._flight = _Flight(request, now, self.process.replica)
        self._schedule.at(clock.true_time(clock.local(now) + timeout_s), self._time_out, flight)
        self.process.link.send_out(self._arrive, flight)

    # ---- requests, in the order of what happens to them

    def _arrive(self, flight: _Flight) -> None:
        """It has reached the API server."""
        replica = flight.replica
        if not replica.up:
            self.process.link.send_in(self._find_nobody, flight)
        elif not self.process.authorized:
            self.process.link.send_in(self._fail, flight, True, 0.0)
        elif replica.retry_after_s is not None:
            self.process.link.send_in(self._fail, flight, True, replica.retry_after_s)
        elif replica.paused:
            replica.when_it_runs(partial(self._arrive, flight))
        elif replica.errors and self._random.random() < replica.errors:
            if self._random.random() < 0.5:
                self._apply(flight)
            self.process.link.send_in(self._fail, flight, False, self._random.choice(_WISHES_S))
        else:
            self._apply(flight)
            self.process.link.send_in(self._answer, flight)

    def _apply(self, flight: _Flight) -> None:
        """It takes effect, also if nobody waits for its answer any more."""
        request = flight.request
        if flight is self._flight:
            self._world.now = self._schedule.now
            self._world.apply(self.candidate, self._site.version_for(flight.replica))
        elif isinstance(request, WriteRequest) and request.attempt.number in self.candidate.limbo:
            self._world.now = self._schedule.now
            self._world.land(self.candidate, request.attempt.number)

    def _answer(self, flight: _Flight) -> None:
        """Its answer has arrived."""
        if flight is not self._flight:
            return
        if self.process.paused:
            self.process.inbox.append(partial(self._answer, flight))
            return
        self._flight = None
        self._patience.answered(self._schedule.now - flight.begun_at)
        outcome = self.candidate.outcome
        self._world.now = self._schedule.now
        self._world.deliver(self.candidate)
        self.settle()
        newest = self.candidate.core.newest
        if outcome is not None and newest is not None:
            read = outcome.version if isinstance(flight.request, ReadRequest) else None
            self.watch.answered(newest.version, read)

    def _fail(self, flight: _Flight, refused: bool, retry_after_s: float) -> None:
        """The answer has arrived that it was not done, or may not have been."""
        if flight is not self._flight:
            return
        if self.process.paused:
            self.process.inbox.append(partial(self._fail, flight, refused, retry_after_s))
            return
        self._flight = None
        self._world.now = self._schedule.now
        self._world.fail(
            self.candidate, refused=refused and not self.candidate.applied, retry_after_s=retry_after_s
        )
        self.settle()

    def _find_nobody(self, flight: _Flight) -> None:
        """The connection was refused."""
        self.process.connect_anew(self._random)
        self._fail(flight, True, 0.0)

    def _time_out(self, flight: _Flight) -> None:
        """No answer has come in time."""
        self.process.when_it_runs(partial(self._run_out, flight))

    def _run_out(self, flight: _Flight) -> None:
        if flight is self._flight:
            self._patience.ran_out()
            self.process.connect_anew(self._random)
            self._fail(flight, False, 0.0)

    # ---- the watch, the body, and time

    def _tell(self, seen: Versioned) -> None:
        """The watch has delivered a change."""
        self._world.now = self._schedule.now
        self._world.tell(self.candidate, seen)
        self.settle()

    def _end_body(self, term: SeenTerm) -> None:
        """The body comes to its end; a paused process has no time to end anything."""
        self.process.when_it_runs(partial(self._let_body_end, term))

    def _let_body_end(self, term: SeenTerm) -> None:
        if term.body_runs:
            self._call("body_ended")

    def _call(self, method: str) -> None:
        if self._stopped:
            return
        state = self.candidate.core.state
        if method == "campaign" and state is not State.IDLE:
            return
        self._do(partial(self._world.call, self.candidate, method))

    def _do(self, action: Callable[[], None]) -> None:
        if not self._stopped:
            self._world.now = self._schedule.now
            action()
            self.settle()

    def _ring(self, due: float) -> None:
        if due != self._alarm_at:
            return
        self._alarm_at = math.inf
        if self.process.paused or self._stopped:
            return
        wanted = self._world.next_timer(self.candidate)
        if wanted == math.inf:
            self.call("refresh")
        elif wanted <= self._schedule.now:
            self.fire()
        self.settle()
