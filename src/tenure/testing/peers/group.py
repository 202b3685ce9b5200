"""PeerGroup: simulated processes that elect a leader among themselves, in virtual time.

It reads as a `tenure.testing.cluster.Cluster` does, and has all that it has; the API servers are those of
hybrid mode::

    group = PeerGroup(5, seed=7)
    group.run(10)
    group.sever(group.leader, "b", "outgoing", seconds=4)
    group.restart("c")  # it has forgotten everything, and has another address
    group.disturb(loss=0.3, duplication=0.5, lateness=0.2, late_s=8)
    group.run(60)
    group.heal()
    group.run_until_led(within=10)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tenure.peer.electorate import Electorate
from tenure.peer.membership import Address
from tenure.peer.registration import OnOutage
from tenure.requests import Purpose
from tenure.testing.ambush import Ambush
from tenure.testing.cluster import Cluster, Direction, ViolationError, process_names
from tenure.testing.fenced_store import FencedStore
from tenure.testing.peers.checks import peer_checks_of
from tenure.testing.peers.chronicle import PeerChronicle
from tenure.testing.peers.driver import PeerDriver
from tenure.testing.peers.election import PeerElection
from tenure.testing.peers.network import CALM, Network, Weather
from tenure.testing.peers.onlookers import Onlookers
from tenure.testing.peers.place import Place
from tenure.testing.peers.seat import new_peer
from tenure.testing.peers.world import PeerWorld
from tenure.testing.process import Process
from tenure.testing.tally import Tally
from tenure.testing.world import Core, World
from tenure.timing import Timing

__all__ = ["PeerGroup", "default_electorate"]

_ELECTION = "default/simulated"
_PORT = 7946
_SLOWEST_NEWS_S = 0.5  # until discovery has told everybody of a change
_LEASES_TO_DRAIN = 3.0
_REUSED_SHARE = 0.3  # of new addresses are some that others have had
_WALL_CLOCK_S = 1_800_000_000.0  # at the beginning


def default_electorate(voters: Sequence[str], lease: float = 2.0) -> Electorate:
    """Return the electorate of these voters as it is by default: M is 1.25 T."""
    return Electorate(voters=tuple(voters), lease=lease, longest_lease=1.25 * lease)


class PeerGroup(Cluster):
    """Peers, the network between them, and what happens to both.

    Args:
        candidates: how many processes, or their names.
        electorate: the voters, T and M; None: the first 3 or 5 of `candidates`, T = 2 s.
        timing: of all; None: the defaults for T.
        on_outage: of hybrid mode; None: peers alone.
        names_known: discovery tells names with the addresses.
        wall_error_s: by how much wall clocks differ from true time at most, in seconds.
        core: makes a peer, with the arguments of `tenure.testing.peers.seat.new_peer`.
        tolerated: kinds of violations that are only collected, in `violations`.
        options: ``seed``, ``clock``, ``strict`` and ``make_world`` as of `Cluster`.

    Attributes:
        network: between them.
        electorate: that everybody has been started with last, or is about to be.
        onlookers: what everybody believes.
    """

    def __init__(
        self,
        candidates: int | Sequence[str] = 3,
        *,
        electorate: Electorate | None = None,
        timing: Timing | None = None,
        on_outage: OnOutage | None = None,
        names_known: bool = True,
        wall_error_s: float = 0.0,
        core: Callable[..., Core] = new_peer,
        tolerated: Iterable[str] = (),
        make_world: Callable[..., World] = PeerWorld,
        **options: Any,
    ) -> None:
        names = list(process_names(candidates)) if isinstance(candidates, int) else list(candidates)
        self.electorate = electorate or default_electorate(names[: 5 if len(names) >= 5 else 3])
        self.onlookers = Onlookers()
        self._on_outage: OnOutage | None = on_outage
        self._names_known = names_known
        self._wall_error_s = wall_error_s
        self._new_peer = core
        self._tolerated = frozenset(tolerated)
        self._places: dict[Process, Place] = {}
        self._hosts: list[Address] = []
        self._uninformed: set[Process] = set()
        self._changed_until = -math.inf
        timing = timing or Timing(lease_duration=self.electorate.lease)
        super().__init__(names, timing=timing, core=core, make_world=make_world, **options)

    def _found(self, number: int, make_world: Callable[..., World]) -> PeerElection:
        complain = partial(self._complain, number)
        chronicle, tally = PeerChronicle(on_outage=self._on_outage), Tally()
        store = FencedStore(self._schedule, self._random, chronicle, complain)
        self.tallies.append(tally)
        self.stores.append(store)
        self.network = Network(self._schedule, self._random)
        observers = (*peer_checks_of(chronicle, complain), store, tally, self.onlookers)
        self._election = PeerElection(
            self.network,
            self._places.__getitem__,
            self._schedule,
            self._random,
            *observers,
            spring=self._spring,
            make_world=make_world,
        )
        return self._election

    def _complain(self, election: int, message: str) -> None:
        if message.partition(":")[0] in self._tolerated:
            self.violations.append(ViolationError(self.now, message, election))
        else:
            super()._complain(election, message)

    # ---- what can be seen

    @property
    def peers(self) -> list[PeerDriver]:
        """What drives the processes that run."""
        return self._election.peers

    def peer(self, name: str) -> PeerDriver:
        """Return what drives a process that runs."""
        return self._election.peer_of(self.processes[name])

    def addresses(self) -> dict[str, Address]:
        """Return where the processes that run are reached, by name."""
        return {peer.name: peer.address for peer in self.peers}

    @property
    def changes_for_s(self) -> float:
        """Seconds until a change of the electorate that is under way is complete."""
        return max(0.0, self._changed_until - self.now)

    # ---- processes

    def restart(self, name: str, *, identity: str = "", keeps_address: bool = False) -> None:
        """Start a process anew: it has forgotten everything, and is reached elsewhere by default."""
        if not keeps_address:
            self._places[self.processes[name]].address = self._new_address()
        super().restart(name, identity=identity)

    def blackout(self, *, seconds: float = 1.0) -> None:
        """Let all processes crash at once, and start after so long."""
        for name in list(self.processes):
            self.crash(name, seconds=seconds)

    def leave(self, name: str, *, seconds: float | None = None) -> None:
        """Let a process end in order, and discovery forget it; it comes again after `seconds`, if any."""
        process = self.processes[name]
        if not process.crashed:
            driver = self._election.peer_of(process)
            driver.leave(partial(self._left, process, seconds))

    def twin(self, name: str) -> None:
        """Start another process of the same name: what peers assume is broken from here on."""
        twin = f"{name}'"
        if twin not in self.processes:
            self.join(twin, identity=self.processes[name].identity)

    def adopt(
        self,
        voters: Sequence[str] = (),
        *,
        lease: float | None = None,
        longest_lease: float | None = None,
        every_s: float = 1.0,
    ) -> None:
        """Roll out another electorate: all processes are started anew with it, the last one first.

        Nothing happens while another change is under way.

        Args:
            voters: empty: they stay.
            lease: T, seconds; None: it stays.
            longest_lease: M, seconds; None: it stays.
            every_s: seconds from one process to the next.
        """
        old, voters = self.electorate, tuple(voters) or self.electorate.voters
        if self.now < self._changed_until:
            return
        self.electorate = replace(
            old,
            voters=voters,
            previous=() if voters == old.voters else old.voters,
            epoch=old.epoch + 1,
            lease=lease or old.lease,
            longest_lease=longest_lease or old.longest_lease,
        )
        for number, process in enumerate(reversed(self.processes.values())):
            self._schedule.after(number * every_s, self._upgrade, process)
        rolled_out_s = len(self.processes) * every_s
        # The epoch before is over when all have left it, and what was granted there has run out.
        self._changed_until = self.now + rolled_out_s + 2 * self.electorate.longest_lease

    def step_wall_clock(self, name: str, *, by_s: float) -> None:
        """Set the wall clock of a machine forth or back: the rounds of its ballots are to be above that."""
        self._places[self.processes[name]].wall_offset_s += by_s

    # ---- the network between them

    def sever(
        self, name: str, other: str, direction: Direction = "both", *, seconds: float | None = None
    ) -> None:
        """Cut what one process sends to another, what it hears from it, or both."""
        self._cut([name], [other], direction, seconds)

    def isolate(self, name: str, direction: Direction = "both", *, seconds: float | None = None) -> None:
        """Cut a process off from all others."""
        self._cut([name], list(self.processes), direction, seconds)

    def split(
        self, names: Sequence[str], direction: Direction = "both", *, seconds: float | None = None
    ) -> None:
        """Cut some processes off from all others, but not from each other."""
        self._cut(names, [name for name in self.processes if name not in names], direction, seconds)

    def disturb(
        self,
        *,
        loss: float = 0.0,
        duplication: float = 0.0,
        lateness: float = 0.0,
        late_s: float = 0.0,
        name: str = "",
        seconds: float | None = None,
    ) -> None:
        """Let datagrams be lost, doubled and held up: everywhere, or those of one process.

        Args:
            loss: share that is lost.
            duplication: share that arrives twice.
            lateness: share that is held up.
            late_s: for at most so long, in seconds.
            name: of the process; empty: everywhere.
            seconds: how long that lasts; None: until all is healed.
        """
        weather = Weather(loss, duplication, lateness, late_s)
        if name:
            self.network.local_weather[name] = weather
            self._undo_after(seconds, self.network.local_weather.pop, name, None)
        else:
            self.network.weather = weather
            self._undo_after(seconds, setattr, self.network, "weather", CALM)

    def blind(self, name: str, *, seconds: float | None = None) -> None:
        """Let discovery tell a process nothing new; in the end it is told where all are."""
        process = self.processes[name]
        self._places[process].is_blind = True
        self._undo_after(seconds, self._see, process)

    # ---- when it hurts most

    def ambush(self, verb: str, purpose: str = "Accept", *, delay_s: float = 0.0, **options: object) -> None:
        """Call one of these methods right after the next message of a kind was sent.

        Args:
            verb: its name, such as ``restart``.
            purpose: the kind, such as ``Accept``; ``acquire``: the next write to the record has taken effect.
            delay_s: so long after it, in seconds.
            options: its arguments; the name ``"the writer"`` stands for the process that sent or wrote it.
        """
        awaited = Purpose.ACQUIRE if purpose == Purpose.ACQUIRE.value else purpose
        self._election.ambushes.append(Ambush(awaited, verb, delay_s, options))

    # ---- healing

    def heal(self) -> None:
        """End every fault: all run and campaign, one process of each name, and all can be reached."""
        self.network.heal()
        for name in [name for name in self.processes if name.endswith("'")]:
            self.crash(name)
            del self._places[self.processes.pop(name)]
        for place in self._places.values():
            place.is_blind = False
        super().heal()
        for peer in self.peers:
            peer.stay()
        self._spread_addresses()

    # ---- inside

    def _start(self, process: Process) -> None:
        place = self._places.get(process)
        if place is None:
            error_s = self._wall_error_s * (2 * self._random.random() - 1)
            place = self._places[process] = Place(self._new_address(), self.electorate, error_s)
        lease, timing = place.electorate.lease, process.timing
        if lease != timing.lease_duration:
            deadline = timing.renew_deadline * lease / timing.lease_duration
            process.timing = Timing(lease_duration=lease, renew_deadline=deadline)
        place.is_gone = False
        core = self._new_peer(
            identity=process.identity,
            incarnation=self._random.randbytes(16),
            electorate=place.electorate,
            timing=process.timing,
            draw=self._random.random,
            floor=partial(self._wall_ms, place),
            now=process.clock.local(self.now),
            drain_timeout=_LEASES_TO_DRAIN * place.electorate.lease,
            election=_ELECTION,
            preference=process.preference,
            on_outage=self._on_outage,
        )
        self._election.join(process, core, "create").start()
        self._spread_addresses()

    def _wall_ms(self, place: Place) -> int:
        return int(1000 * (_WALL_CLOCK_S + self.now + place.wall_offset_s))

    def _revive(self, process: Process, generation: int) -> None:
        is_wanted = process in self._places  # a twin is not, once all is healed
        if is_wanted and process.crashed and process.generation == generation:
            self.restart(process.name, keeps_address=True)

    def _left(self, process: Process, seconds: float | None) -> None:
        self._places[process].is_gone = True
        self.crash(process.name, seconds=seconds)
        self._spread_addresses()

    def _upgrade(self, process: Process) -> None:
        if process not in self._places:
            return
        self._places[process].electorate = self.electorate
        if not process.crashed:
            self.restart(process.name)

    def _new_address(self) -> Address:
        """Return an address: one that nobody has any more, or one that nobody had."""
        taken = {place.address for place in self._places.values()}
        free = [address for address in self._hosts if address not in taken]
        if free and self._random.random() < _REUSED_SHARE:
            return self._random.choice(free)
        number = len(self._hosts)
        self._hosts.append((f"10.0.{number // 256}.{number % 256}", _PORT))
        return self._hosts[-1]

    def _spread_addresses(self) -> None:
        """Let discovery tell everybody where all are, some sooner than others."""
        for process in self.processes.values():
            if process not in self._uninformed:
                self._uninformed.add(process)
                self._schedule.after(self._random.random() * _SLOWEST_NEWS_S, self._inform, process)

    def _inform(self, process: Process) -> None:
        self._uninformed.discard(process)
        place = self._places.get(process)
        if place is None or place.is_blind or process.crashed:
            return
        known = [(each, self._places[each]) for each in self.processes.values()]
        self._election.peer_of(process).set_peers(
            [
                (each.identity if self._names_known else "", where.address)
                for each, where in known
                if not where.is_gone
            ]
        )

    def _see(self, process: Process) -> None:
        if process in self._places:
            self._places[process].is_blind = False
            self._inform(process)

    def _cut(
        self, some: Sequence[str], others: Sequence[str], direction: Direction, seconds: float | None
    ) -> None:
        for name in (*some, *others):
            self.processes[name]  # a KeyError: there is none of that name
        outgoing = [(one, other) for one in some for other in others if one != other]
        incoming = [(other, one) for one, other in outgoing]
        pairs = {"both": outgoing + incoming, "outgoing": outgoing, "incoming": incoming}[direction]
        self.network.cut(pairs)
        self._undo_after(seconds, self.network.mend, pairs)
