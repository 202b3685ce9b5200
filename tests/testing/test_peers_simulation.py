"""Random bad days among peers with fresh seeds: no rule of the contract is broken, and leadership comes back.

What peers assume is broken as well: then two terms are valid at once, as they must be, and the fence holds.
SEEDS=n plays more scenarios; ``tenure simulate --peers --seed=N`` replays one and shrinks its failure.
"""

from __future__ import annotations

import os
import random

import pytest

from tenure.testing.cluster import ViolationError
from tenure.testing.peers.draw import Breach
from tenure.testing.peers.group import PeerGroup
from tenure.testing.peers.scenario import PeerScenario
from tenure.testing.peers.trial import try_peers

FIRST = random.SystemRandom().randrange(10**9)
SEEDS = int(os.environ.get("SEEDS", "20"))
_BROKEN = 8  # scenarios of each kind


@pytest.mark.parametrize("number", range(SEEDS))
def test_no_rule_is_broken(number: int) -> None:
    scenario = PeerScenario.random(FIRST + number)
    try:
        figures = try_peers(scenario)
    except ViolationError as violation:
        pytest.fail(f"{violation}\ntenure simulate --peers --seed={scenario.seed}")
    assert figures.acts == len(scenario.acts)
    assert not figures.overlaps


@pytest.mark.parametrize("breach", ["clocks", "twins"])
def test_what_is_assumed_is_needed(breach: Breach) -> None:
    """Alone, peers keep leaders apart only as long as clocks and names are as they must be."""
    groups = _played(breach, hybrid=False)
    assert "two valid terms" in _kinds(groups)


@pytest.mark.parametrize("breach", ["clocks", "twins"])
def test_without_it_the_fence_of_hybrid_mode_holds(breach: Breach) -> None:
    """Two lead, and yet tokens rise, and no older one writes after a newer one; else this raises."""
    groups = _played(breach, hybrid=True)
    assert "two valid terms" in _kinds(groups)
    assert sum(group.stores[0].refused for group in groups) > 0


def _played(breach: Breach, *, hybrid: bool) -> list[PeerGroup]:
    scenarios = [PeerScenario.random(seed, breach=breach, hybrid=hybrid) for seed in range(1, _BROKEN + 1)]
    groups = [scenario.cluster() for scenario in scenarios]
    for scenario, group in zip(scenarios, groups, strict=True):
        scenario.play(group)
    return groups


def _kinds(groups: list[PeerGroup]) -> set[str]:
    return {violation.kind for group in groups for violation in group.violations}


# ---- a hundred


@pytest.fixture(scope="module")
def hundred() -> PeerGroup:
    """A hundred members, a while after their beginning."""
    group = PeerGroup(100, seed=1)
    group.run(12)
    return group


def test_a_hundred_elect_one_and_know_each_other(hundred: PeerGroup) -> None:
    assert hundred.tallies[0].terms == 1
    leader = hundred.leader
    assert {view.leader for view in hundred.onlookers.views.values()} == {leader}
    assert all(len(members) == 99 for members in hundred.onlookers.members.values())


def test_it_costs_each_as_much_as_among_five(hundred: PeerGroup) -> None:
    few = PeerGroup(5, seed=1)
    few.run(12)
    costs = []
    for group in (few, hundred):
        group.onlookers.reset()
        group.run(5)
        costs.append(group.onlookers.packets.total() / 5 / len(group.peers))
    assert costs[1] < 1.25 * costs[0]


def test_a_hundred_lose_their_leader(hundred: PeerGroup) -> None:
    leader = hundred.leader
    hundred.crash(leader)
    assert hundred.run_until_led(within=2.3) > 1.0
    assert hundred.leader != leader
    hundred.run(1)
    assert hundred.tallies[0].terms == 2
