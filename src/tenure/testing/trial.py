"""Trial: one scenario played from beginning to end, then healed, and what is demanded of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tenure.election import Election
from tenure.testing.cluster import Cluster, ViolationError
from tenure.testing.machine import MachineClock
from tenure.testing.scenario import Scenario
from tenure.testing.world import Core, World

__all__ = ["Figures", "judged", "try_scenario"]

ClusterT = TypeVar("ClusterT", bound=Cluster)
FiguresT = TypeVar("FiguresT")

# Beside what leases and drains take: retries, timeouts, spread.
_SLACK_S = 10.0
_DRAIN_TIMEOUT_S = 20.0
_ANNOTATION_S = 0.02


@dataclass(frozen=True)
class Figures:
    """What a trial was.

    Attributes:
        seconds: of true time.
        acts: how many things happened.
        terms: how many began.
        refused: writes that the fence refused.
        healed_in_s: how long after the last fault there was a leader; seconds.
        takeover_writes: how many writes a takeover cost.
    """

    seconds: float = 0.0
    acts: int = 0
    terms: int = 0
    refused: int = 0
    healed_in_s: float = 0.0
    takeover_writes: int = 0


def try_scenario(
    scenario: Scenario,
    *,
    core: Callable[..., Core] = Election,
    clock: Callable[..., MachineClock] = MachineClock,
    make_world: Callable[..., World] = World,
) -> Figures:
    """Play a scenario, heal everything, and demand a leader, a quiet time and a cheap takeover.

    Raises:
        ViolationError: the safety contract was broken, or what was demanded did not come.
    """
    make_cluster = partial(scenario.cluster, core=core, clock=clock, make_world=make_world)
    return judged(make_cluster, lambda cluster: _demand_everything(cluster, scenario))


def judged(make_cluster: Callable[[], ClusterT], demand: Callable[[ClusterT], FiguresT]) -> FiguresT:
    """Return what is demanded of a cluster; whatever breaks is a violation.

    Raises:
        ViolationError: something did, or what was demanded did not come.
    """
    cluster: ClusterT | None = None
    try:
        cluster = make_cluster()
        return demand(cluster)
    except ViolationError:
        raise
    except Exception as error:
        at = cluster.now if cluster is not None else 0.0
        raise ViolationError(at, f"failed with {type(error).__name__}: {error}", 0) from error


def _demand_everything(cluster: Cluster, scenario: Scenario) -> Figures:
    scenario.play(cluster)
    cluster.heal()
    terms = cluster.tallies[0].terms
    healed_in_s = cluster.run_until_led(_healing_s(scenario))
    _demand_quiet(cluster, scenario)
    _demand_tolerance(cluster)
    writes = _demand_a_takeover(cluster, scenario)
    return Figures(cluster.now, len(scenario.acts), terms, cluster.stores[0].refused, healed_in_s, writes)


def _healing_s(scenario: Scenario) -> float:
    """Return the stated bound: a drain, a lease that stands, one that a creator waits, and retries."""
    return _DRAIN_TIMEOUT_S + 3 * _takeover_s(scenario) + _SLACK_S


def _takeover_s(scenario: Scenario) -> float:
    slowest = min(member.rate for member in scenario.members)
    return max(m.timing.takeover_delay(scenario.longest_lease) for m in scenario.members) / slowest


def _settling_s(scenario: Scenario) -> float:
    """Return how long it takes until the one leads that nobody preempts."""
    if not any(member.preference.preempt for member in scenario.members):
        return 0.0
    tenures = (member.preference.minimum_tenure for member in scenario.members)
    return sum(tenures) + _SLACK_S * len(scenario.members)


def _demand_quiet(cluster: Cluster, scenario: Scenario) -> None:
    """Steady leadership costs followers nothing, and the leader one write for each renewal."""
    cluster.run(_DRAIN_TIMEOUT_S + 2 * _takeover_s(scenario) + _SLACK_S + _settling_s(scenario))
    tally, ended = cluster.tallies[0], cluster.watches_ended()
    tally.reset()
    leader = cluster.leader
    cluster.run(60.0)
    if not leader or cluster.leader != leader or tally.terms:
        raise ViolationError(cluster.now, "unrest: the leader changes though all is well", 0)
    ended = {name: number - ended[name] for name, number in cluster.watches_ended().items()}
    for name, number in ended.items():
        if tally.reads[name] != number:
            raise ViolationError(cluster.now, f"needless reads: {tally.reads[name]} of {name}", 0)
    candidate = cluster.candidate(leader)
    expected = 60.0 / candidate.timing.renew_period
    if set(tally.writes) != {candidate.name} or abs(tally.writes[candidate.name] - expected) > 1.5:
        raise ViolationError(cluster.now, f"needless writes, or too few: {dict(tally.writes)}", 0)
    _demand_few_notes(cluster, scenario)


def _demand_few_notes(cluster: Cluster, scenario: Scenario) -> None:
    """Who has a priority answers a roll call, once or after a conflict or two; the others write no notes."""
    for name, number in cluster.tallies[0].notes.items():
        process = cluster.processes[name.partition(".")[0]]
        roll_calls = 1 + 60.0 / (4 * process.timing.lease_duration)
        if number > roll_calls * len(scenario.members) * bool(process.preference.priority):
            raise ViolationError(cluster.now, f"needless notes: {number} of {name}", 0)


def _demand_tolerance(cluster: Cluster) -> None:
    """An annotator may write as often as it likes, and a body may take its time to end."""
    leader = cluster.leader
    timing = cluster.processes[leader].timing
    terms = cluster.tallies[0].terms
    for _ in range(int(1.2 * timing.renew_period / _ANNOTATION_S)):
        cluster.touch_record()
        cluster.run(_ANNOTATION_S)
    drain_s = min(1.2 * timing.renew_deadline, 0.8 * _DRAIN_TIMEOUT_S)
    cluster.drain_slowly(leader, drain_s=drain_s)
    cluster.resign(leader, seconds=drain_s + 1.0)
    cluster.run(drain_s - 0.1)
    if cluster.leader != leader or cluster.tallies[0].terms != terms:
        raise ViolationError(cluster.now, "lost while draining: the term of a leader in touch", 0)
    cluster.drain_slowly(leader, drain_s=0.05)


def _demand_a_takeover(cluster: Cluster, scenario: Scenario) -> int:
    """When the leader crashes another one follows, for at most one write of each contender.

    Annotators cannot hold that up.
    """
    cluster.run_until_led(_takeover_s(scenario))
    if len(scenario.members) == 1:
        return 0
    cluster.run(5.0)
    tally = cluster.tallies[0]
    tally.reset()
    cluster.crash(cluster.leader)
    for _ in range(int(_takeover_s(scenario) / 2)):
        cluster.touch_record()
        cluster.run(1.0)
    cluster.run_until_led(_takeover_s(scenario) / 2 + 3.0)
    cluster.run(2.0)
    if tally.acquisitions > len(scenario.members) - 1:
        raise ViolationError(cluster.now, f"costly takeover: {tally.acquisitions} writes", 0)
    return tally.acquisitions
