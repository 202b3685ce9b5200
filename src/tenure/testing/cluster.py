"""Cluster: simulated processes that elect leaders through simulated API servers, in virtual time.

One seed is one run. A scenario reads as what happens::

    cluster = Cluster(["a", "b", "c"], seed=7)
    cluster.run(30)
    cluster.partition("a")
    cluster.pause("b", seconds=40)
    cluster.skew("c", rate=1.005)
    cluster.run(60)
    assert cluster.leader == "c"

Whatever breaks the safety contract raises `ViolationError` at the instant at which it does.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, islice, product
from random import Random
from typing import Literal

from tenure.election import Election, OnMissing
from tenure.handover import Preference
from tenure.record import Record, UnreadableRecord
from tenure.requests import Purpose
from tenure.testing.ambush import Ambush
from tenure.testing.checks import checks_of
from tenure.testing.chronicle import Chronicle
from tenure.testing.fenced_store import FencedStore
from tenure.testing.link import Link
from tenure.testing.machine import MachineClock
from tenure.testing.process import Process
from tenure.testing.replica import Replica
from tenure.testing.schedule import Schedule
from tenure.testing.simulated_election import SimulatedElection
from tenure.testing.tally import Tally
from tenure.testing.world import Candidate, Core, World
from tenure.timing import Timing

__all__ = ["Cluster", "Direction", "ViolationError", "process_names"]

Direction = Literal["both", "outgoing", "incoming"]


class ViolationError(AssertionError):
    """A sentence of the safety contract was broken.

    Attributes:
        at: true time, seconds.
        kind: the same for all that break this sentence.
        election: the number of the election in which it happened.
    """

    def __init__(self, at: float, message: str, election: int) -> None:
        super().__init__(f"{at:.3f}s {message}")
        self.at = at
        self.kind = message.split(":")[0]
        self.election = election


class Cluster:
    """The processes a, b, c, … in front of two API servers, and what happens to them.

    Args:
        candidates: how many processes, or their names; each campaigns in every election.
        elections: how many records they contend for.
        seed: of everything that is random in the run.
        timing: of all candidates.
        on_missing: of all candidates; ``"wait"``: a deletion must open no gap (rule 4).
        core: makes a candidate, with the arguments of `tenure.election.Election`.
        clock: makes the clock of a machine.
        strict: raise the first `ViolationError`; False: collect them in `violations`.
        make_world: makes the world of an election, of its observers.
    """

    def __init__(
        self,
        candidates: int | Sequence[str] = 3,
        *,
        elections: int = 1,
        seed: int = 0,
        timing: Timing | None = None,
        on_missing: OnMissing = "create",
        core: Callable[..., Core] = Election,
        clock: Callable[..., MachineClock] = MachineClock,
        strict: bool = True,
        make_world: Callable[..., World] = World,
    ) -> None:
        self.violations: list[ViolationError] = []
        self._random = Random(seed)
        self._schedule = Schedule()
        self._timing = timing or Timing()
        self._on_missing: OnMissing = on_missing
        self._core = core
        self._clock = clock
        self._strict = strict
        self.replicas = [Replica(), Replica()]
        self.processes: dict[str, Process] = {}
        self.tallies: list[Tally] = []
        self.stores: list[FencedStore] = []
        self.elections = [self._found(number, make_world) for number in range(elections)]
        for name in process_names(candidates) if isinstance(candidates, int) else candidates:
            self.join(name)

    def _found(self, number: int, make_world: Callable[..., World]) -> SimulatedElection:
        complain = partial(self._complain, number)
        chronicle, tally = Chronicle(), Tally()
        store = FencedStore(self._schedule, self._random, chronicle, complain)
        self.tallies.append(tally)
        self.stores.append(store)
        observers = (*checks_of(chronicle, complain), store, tally)
        return SimulatedElection(
            self._schedule, self._random, *observers, spring=self._spring, make_world=make_world
        )

    def _complain(self, election: int, message: str) -> None:
        violation = ViolationError(self.now, message, election)
        self.violations.append(violation)
        if self._strict:
            raise violation

    def _spring(self, ambush: Ambush, writer: str) -> None:
        getattr(self, ambush.verb)(**ambush.options_for(writer))

    # ---- time, and what can be seen

    @property
    def now(self) -> float:
        """True time since the beginning, in seconds."""
        return self._schedule.now

    @property
    def steps(self) -> int:
        """How many things have happened."""
        return self._schedule.done

    def run(self, seconds: float) -> None:
        """Let time go on.

        Raises:
            ViolationError: the safety contract was broken.
        """
        self._schedule.run(self.now + seconds)

    def run_until_led(self, within: float) -> float:
        """Let time go on until every election has a leader; return how long that took, in seconds.

        Raises:
            ViolationError: the safety contract was broken, or there is no leader after `within` seconds.
        """
        begun = self.now
        while any(not election.leaders for election in self.elections):
            if self.now - begun >= within:
                raise ViolationError(self.now, f"no leader: none within {within:g} s after the last fault", 0)
            self.run(min(0.1, within))
        return self.now - begun

    @property
    def leader(self) -> str:
        """The process that leads the first election; empty: none."""
        leaders = self.leaders()
        return leaders[0] if leaders else ""

    def leaders(self, election: int = 0) -> list[str]:
        """Return the processes with a valid term at this moment: one, or none, unless a rule is broken."""
        return [each.process.name for each in self.elections[election].leaders]

    def candidate(self, name: str, election: int = 0) -> Candidate:
        """Return the candidate that a process is in an election."""
        return self.elections[election].driver_of(self.processes[name]).candidate

    def watches_ended(self, election: int = 0) -> dict[str, int]:
        """Return how many watches have ended, by name of the candidate; each costs a read."""
        return {d.candidate.name: d.watch.ended for d in self.elections[election].drivers}

    # ---- processes

    def join(
        self,
        name: str,
        *,
        identity: str = "",
        rate: float = 1.0,
        offset: float = 0.0,
        timing: Timing | None = None,
        preference: Preference | None = None,
    ) -> None:
        """Start a process.

        Args:
            name: of the process.
            identity: that it campaigns under; empty: its name.
            rate: of its machine's clock, seconds per true second.
            offset: what that clock shows at the true time 0, in seconds.
            timing: its own, in place of the cluster's.
            preference: how much it wants to lead; None: like any other.
        """
        link = Link(self._schedule, self._random)
        replica = self.replicas[len(self.processes) % len(self.replicas)]
        clock = self._clock(offset=offset, rate=rate)
        timing, preference = timing or self._timing, preference or Preference()
        process = Process(name, identity or name, clock, link, self.replicas, replica, timing, preference)
        self.processes[name] = process
        self._start(process)

    def crash(self, name: str, *, seconds: float | None = None) -> None:
        """Kill a process; after `seconds` it is started again."""
        process = self.processes[name]
        if not process.crashed:
            process.crashed = True
            for election in self.elections:
                election.leave(process)
            self._undo_after(seconds, self._revive, process, process.generation)

    def restart(self, name: str, *, identity: str = "") -> None:
        """Start a process anew, under the same identity or another; it is killed first if it still runs."""
        self.crash(name)
        process = self.processes[name]
        process.start_anew(identity or process.identity)
        self._start(process)

    def pause(self, name: str, *, seconds: float | None = None) -> None:
        """Let a process stand still (SIGSTOP, starvation)."""
        process = self.processes[name]
        if not process.paused and not process.crashed:
            process.paused = True
            for election in self.elections:
                election.pause(process)
            self._undo_after(seconds, self._resume, process, process.generation)

    def resume(self, name: str) -> None:
        """Let a paused process run on."""
        self._resume(self.processes[name], self.processes[name].generation)

    def suspend(self, name: str, *, seconds: float) -> None:
        """Put a machine to sleep: its boot-time clock goes on, nothing else does."""
        process = self.processes[name]
        if not process.paused and not process.crashed:
            self.elections[0].suspend(process, seconds)
            self.pause(name, seconds=seconds)

    def skew(self, name: str, *, rate: float) -> None:
        """Let the clock of a machine run at another rate."""
        process = self.processes[name]
        if process.crashed:
            process.clock.skew(self.now, rate)
            return
        self.elections[0].skew(process, rate)
        for election in self.elections:
            election.driver_of(process).rewind()

    def drain_slowly(self, name: str, *, drain_s: float = math.inf) -> None:
        """From now on its bodies take so long to end; ``inf``: until they are killed at the hard limit."""
        self.processes[name].drain_s = drain_s

    def resign(self, name: str, *, seconds: float = 5.0) -> None:
        """Let a process give up what it has, and campaign again after `seconds`."""
        process = self.processes[name]
        for election in self.elections:
            if not process.crashed:
                driver = election.driver_of(process)
                driver.resign()
                self._schedule.after(seconds, driver.campaign)

    def transfer(self, name: str, *, to: str = "") -> None:
        """Let a process hand over what it leads, to one of this identity or to anybody."""
        process = self.processes[name]
        for election in self.elections:
            if not process.crashed:
                election.driver_of(process).transfer(to)

    def be_ineligible(self, name: str, *, seconds: float | None = None) -> None:
        """Let the program of a process say that it is not fit to lead."""
        self._set_eligible(self.processes[name], False)
        self._undo_after(seconds, self._set_eligible, self.processes[name], True)

    def _set_eligible(self, process: Process, eligible: bool) -> None:
        for election in self.elections:
            if not process.crashed:
                election.driver_of(process).set_eligible(eligible)

    # ---- the network

    def partition(self, name: str, direction: Direction = "both", *, seconds: float | None = None) -> None:
        """Cut a process off from the API servers: its requests, the answers to it, or both."""
        link = self.processes[name].link
        link.outgoing &= direction == "incoming"
        link.incoming &= direction == "outgoing"
        self._undo_after(seconds, self._reconnect, self.processes[name])

    def disconnect(self, name: str) -> None:
        """Break its connections: its watches end, and what became of a request under way it cannot know."""
        process = self.processes[name]
        for election in self.elections:
            if not process.crashed:
                election.driver_of(process).disconnect()

    def lose(self, name: str, share: float = 0.3, *, seconds: float | None = None) -> None:
        """Lose a share of its requests and of the answers."""
        link = self.processes[name].link
        link.loss = share
        self._undo_after(seconds, setattr, link, "loss", 0.0)

    def slow_down(self, name: str, slowness_s: float = 1.0, *, seconds: float | None = None) -> None:
        """Let everything take so much longer on average, each way."""
        link = self.processes[name].link
        link.slowness_s = slowness_s
        self._undo_after(seconds, setattr, link, "slowness_s", 0.0)

    def expire_credentials(self, name: str, *, seconds: float | None = None) -> None:
        """Let the API servers refuse what it asks for (401)."""
        process = self.processes[name]
        process.authorized = False
        self._undo_after(seconds, setattr, process, "authorized", True)

    # ---- the API servers

    def outage(self, *, replica: int | None = None, seconds: float | None = None) -> None:
        """Stop an API server, or all of them."""
        for each in self._chosen(replica):
            each.up = False
            for election in self.elections:
                election.cut_off(each)
            self._undo_after(seconds, setattr, each, "up", True)

    def pause_server(self, *, replica: int | None = None, seconds: float | None = None) -> None:
        """Let an API server stand still, or all of them: what it was asked takes effect when it goes on."""
        for each in self._chosen(replica):
            each.paused = True
            self._undo_after(seconds, self._resume_server, each)

    def lag(self, lag_s: float = 5.0, *, replica: int | None = None, seconds: float | None = None) -> None:
        """Let an API server serve old state, in reads and watches."""
        for each in self._chosen(replica):
            each.lag_s = lag_s
            self._undo_after(seconds, setattr, each, "lag_s", 0.0)

    def fail(self, share: float = 0.5, *, replica: int | None = None, seconds: float | None = None) -> None:
        """Answer a share of the requests with a 5xx, half of those after they have taken effect."""
        for each in self._chosen(replica):
            each.errors = share
            self._undo_after(seconds, setattr, each, "errors", 0.0)

    def throttle(
        self, retry_after_s: float = 1.0, *, replica: int | None = None, seconds: float | None = None
    ) -> None:
        """Answer 429 with ``Retry-After``."""
        for each in self._chosen(replica):
            each.retry_after_s = retry_after_s
            self._undo_after(seconds, setattr, each, "retry_after_s", None)

    def compact(self) -> None:
        """Forget all history: watches that begin in the past are answered 410."""
        for election in self.elections:
            store = election.world.store
            store.compact(store.version)

    # ---- hands that meddle

    def delete_record(self, election: int = 0) -> None:
        """Delete the record."""
        world = self._world(election)
        if world.store.head.record is not None:
            world.delete()

    def empty_record(self, election: int = 0) -> None:
        """Empty the holder: whoever does declares the leader dead."""
        self.edit_record("", election=election)

    def edit_record(self, holder: str, *, lease_duration: float | None = 15.0, election: int = 0) -> None:
        """Write another holder into the record; one that does not exist is made."""
        self._world(election).put(Record(holder=holder, lease_duration=lease_duration))

    def recreate_record(self, election: int = 0) -> None:
        """Delete the record, and make an empty one in its place."""
        self.delete_record(election)
        self.empty_record(election)

    def garble_record(self, election: int = 0) -> None:
        """Write what cannot be decoded."""
        self._world(election).put(UnreadableRecord("holderIdentity is a list"))

    def restore(self, versions: int = 10, *, election: int = 0) -> None:
        """Restore the record from a snapshot that is some versions old; operators raise the epoch then."""
        world = self._world(election)
        wanted = world.store.version - versions
        world.restore(min(world.store.history, key=lambda version: abs(version - wanted)))
        for replica in self.replicas:
            self.elections[election].cut_off(replica)

    def touch_record(self, election: int = 0) -> None:
        """Change other metadata, as an annotator does."""
        world = self._world(election)
        if world.store.head.record is not None:
            world.touch()

    def request_handover(self, to: str = "", election: int = 0) -> None:
        """Ask whoever leads to hand over, to one of this identity or to anybody."""
        self._world(election).request(to)

    # ---- when it hurts most

    def ambush(self, verb: str, purpose: str = "acquire", *, delay_s: float = 0.0, **options: object) -> None:
        """Call one of these methods right after the next write of a kind has taken effect.

        Args:
            verb: its name, such as ``delete_record``.
            purpose: of the write, in the first election: acquire, renew or release.
            delay_s: so long after it, in seconds.
            options: its arguments; the name ``"the writer"`` stands for the process whose write it was.
        """
        self.elections[0].ambushes.append(Ambush(Purpose(purpose), verb, delay_s, options))

    # ---- healing

    def heal(self) -> None:
        """End every fault: all run and may lead, all is reachable, bodies end, the record can be read."""
        for number, election in enumerate(self.elections):
            election.forget_ambushes()
            if isinstance(election.world.store.head.record, UnreadableRecord):
                self.delete_record(number)
        for replica in self.replicas:
            replica.up, replica.lag_s, replica.errors, replica.retry_after_s = True, 0.0, 0.0, None
            self._resume_server(replica)
        for process in self.processes.values():
            process.link.loss = process.link.slowness_s = 0.0
            process.authorized, process.drain_s = True, Process.drain_s
            self._reconnect(process)
            if process.crashed:
                self.restart(process.name)
            self._resume(process, process.generation)
            self._set_eligible(process, True)

    def _start(self, process: Process) -> None:
        for election in self.elections:
            core = self._core(
                identity=process.identity,
                incarnation=process.title,
                timing=process.timing,
                draw=self._random.random,
                on_missing=self._on_missing,
                preference=process.preference,
            )
            election.join(process, core, self._on_missing).start()

    def _revive(self, process: Process, generation: int) -> None:
        if process.crashed and process.generation == generation:
            self.restart(process.name)

    def _resume(self, process: Process, generation: int) -> None:
        if process.paused and process.generation == generation and not process.crashed:
            process.paused = False
            for election in self.elections:
                election.wake(process)
            # Whether timers fire first, or what has arrived is taken in, is chance.
            drivers = [election.driver_of(process) for election in self.elections]
            if self._random.random() < 0.5:
                for driver in drivers:
                    driver.fire()
            process.catch_up()
            for driver in drivers:
                driver.fire()

    def _reconnect(self, process: Process) -> None:
        process.link.reopen()
        for election in self.elections:
            election.heal(process)

    def _resume_server(self, replica: Replica) -> None:
        replica.resume()
        for process in self.processes.values():
            for election in self.elections:
                election.heal(process)

    def _chosen(self, replica: int | None) -> list[Replica]:
        return self.replicas if replica is None else [self.replicas[replica]]

    def _world(self, election: int) -> World:
        world = self.elections[election].world
        world.now = self.now
        return world

    def _undo_after(self, seconds: float | None, undo: Callable[..., object], *args: object) -> None:
        if seconds is not None:
            self._schedule.after(seconds, undo, *args)


def process_names(number: int) -> Iterator[str]:
    """Yield a, b, … z, aa, ab, …"""
    words = (product(string.ascii_lowercase, repeat=length) for length in count(1))
    return islice(("".join(letters) for each in words for letters in each), number)
