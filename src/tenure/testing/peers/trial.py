"""A trial of peers: one scenario played to its end, then healed, and what is demanded of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tenure.testing.cluster import ViolationError
from tenure.testing.machine import MachineClock
from tenure.testing.peers.group import PeerGroup
from tenure.testing.peers.scenario import PeerScenario
from tenure.testing.peers.seat import new_peer
from tenure.testing.peers.world import PeerWorld
from tenure.testing.trial import Figures, judged
from tenure.testing.world import Core, World

__all__ = ["PeerFigures", "try_peers"]

# Beside what leases, drains and silence take: tries that collide, requests that are tried again.
_SLACK_S = 5.0
_SETTLING_LEASES = 8  # until everybody is known to everybody
_MEASURED_LEASES = 5
_MOST_PACKETS = 60  # a lease and member, when all is well


@dataclass(frozen=True, kw_only=True)
class PeerFigures(Figures):
    """What a trial of peers was.

    Attributes:
        packets: a second and member, when all is well.
        handover_s: from 10 ms after the end of a leader's body to the next term; seconds.
        takeover_s: from the crash of a leader to the next term; seconds.
        overlaps: terms that were valid beside another; none unless an assumption is broken.
    """

    packets: float = 0.0
    handover_s: float = 0.0
    takeover_s: float = 0.0
    overlaps: int = 0


def try_peers(
    scenario: PeerScenario,
    *,
    core: Callable[..., Core] = new_peer,
    clock: Callable[..., MachineClock] = MachineClock,
    make_world: Callable[..., World] = PeerWorld,
) -> PeerFigures:
    """Play a scenario, heal everything, and demand a leader, a quiet time, a hand-over and a takeover.

    Raises:
        ViolationError: the safety contract was broken, or what was demanded did not come.
    """
    make_group = partial(scenario.cluster, core=core, clock=clock, make_world=make_world)
    return judged(make_group, lambda group: _Trial(group, scenario).figures())


class _Trial:
    """One scenario in one group."""

    def __init__(self, group: PeerGroup, scenario: PeerScenario) -> None:
        self._group = group
        self._scenario = scenario

    def figures(self) -> PeerFigures:
        group, scenario = self._group, self._scenario
        scenario.play(group)
        group.heal()
        terms = group.tallies[0].terms
        healed_in_s = group.run_until_led(self._healing_s())
        packets = self._demand_quiet()
        handover_s = self._demand_a_handover()
        takeover_s = self._demand_a_takeover()
        return PeerFigures(
            group.now,
            len(scenario.acts),
            terms,
            group.stores[0].refused,
            healed_in_s,
            packets=packets,
            handover_s=handover_s,
            takeover_s=takeover_s,
            overlaps=sum(violation.kind == "two valid terms" for violation in group.violations),
        )

    @property
    def _lease(self) -> float:
        return self._group.electorate.lease / self._slowest

    @property
    def _slowest(self) -> float:
        return min(process.clock.rate for process in self._group.processes.values())

    def _healing_s(self) -> float:
        """Return the stated bound: the rest of a change, a drain, a silence, two leases, and tries."""
        silence_s = self._group.electorate.longest_lease / self._slowest
        changing_s = self._group.changes_for_s
        return changing_s + 3 * self._lease + silence_s + 2 * self._lease + _SLACK_S

    def _fail(self, message: str) -> ViolationError:
        return ViolationError(self._group.now, message, 0)

    def _demand_quiet(self) -> float:
        """The leader stays, all know it and each other, the API is not asked, and few messages are sent."""
        group = self._group
        group.run(self._settling_s())
        leader = group.leader
        group.tallies[0].reset()
        group.onlookers.reset()
        seconds = _MEASURED_LEASES * self._lease
        group.run(seconds)
        if not leader or group.leader != leader or group.tallies[0].terms:
            raise self._fail("unrest: the leader changes though all is well")
        if requests := group.tallies[0].writes + group.tallies[0].reads:
            raise self._fail(f"needless requests: {dict(requests)}")
        self._demand_agreement()
        packets = group.onlookers.packets.total() / seconds / len(group.peers)
        if packets * self._lease > _MOST_PACKETS:
            raise self._fail(f"needless messages: {packets * self._lease:.0f} a lease and member")
        return packets

    def _settling_s(self) -> float:
        """Return how long it takes until the one leads that nobody preempts, and everybody is known."""
        wishes = [process.preference for process in self._group.processes.values()]
        tenures_s = sum(wish.minimum_tenure for wish in wishes) if any(w.preempt for w in wishes) else 0.0
        return self._group.changes_for_s + tenures_s / self._slowest + _SETTLING_LEASES * self._lease

    def _demand_agreement(self) -> None:
        group = self._group
        leader = group.processes[group.leader].identity
        everybody = {peer.process.identity for peer in group.peers}
        for peer in group.peers:
            view = group.onlookers.views[peer.candidate].leader
            if view != leader:
                raise self._fail(f"not known: {peer.name} believes that {view!r} leads, it is {leader!r}")
            others = group.onlookers.members.get(peer.candidate, set())
            if others != everybody - {peer.process.identity}:
                raise self._fail(f"members not known: {peer.name} knows {sorted(others)}")

    def _demand_a_handover(self) -> float:
        """A body may take its time to end; when it has, somebody else leads at once."""
        group, leader = self._group, self._group.leader
        terms = group.tallies[0].terms
        drain_s = 2 * group.electorate.lease
        group.drain_slowly(leader, drain_s=drain_s)
        group.resign(leader, seconds=drain_s + 2 * self._lease)
        group.run(drain_s - 0.01)
        if group.leader != leader or group.tallies[0].terms != terms:
            raise self._fail("lost while draining: the term of a leader in touch")
        group.drain_slowly(leader, drain_s=0.05)
        if len(group.peers) == 1:
            return 0.0
        group.run(0.02)  # past the end of the body
        handover_s = group.run_until_led(0.25 * self._lease + 0.5 * self._is_hybrid)
        if group.leader == leader:
            raise self._fail(f"kept: {leader} was to give up its term")
        self._demand_a_token()
        return handover_s

    def _demand_a_takeover(self) -> float:
        """When the leader crashes another one follows, within a lease and what the queue takes."""
        group = self._group
        group.run(3 * self._lease)
        group.run_until_led(self._lease)
        if len(group.peers) == 1:
            return 0.0
        group.crash(group.leader)
        takeover_s = group.run_until_led(1.5 * self._lease + 0.5 * self._is_hybrid)
        self._demand_a_token()
        return takeover_s

    def _demand_a_token(self) -> None:
        """While the API answers, nobody leads without a token."""
        term = self._group.candidate(self._group.leader).term
        if term is None or not term.token.version:
            raise self._fail(f"no token: {self._group.leader} leads without one though the API answers")

    @property
    def _is_hybrid(self) -> bool:
        return self._scenario.on_outage is not None
