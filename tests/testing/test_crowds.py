"""One candidate, a thousand of them, a thousand elections, a long time; and clocks beyond every bound."""

from __future__ import annotations

import os

import pytest

from tenure.handover import Preference
from tenure.testing.cluster import Cluster
from tenure.timing import Timing

_DAY_S = 86_400
_DAYS = 7 if os.environ.get("WEEK") else 1


@pytest.fixture(scope="module")
def crowd() -> Cluster:
    """A thousand candidates whose first race is over."""
    cluster = Cluster(1000, seed=1)
    cluster.run(30)
    return cluster


def test_one_candidate_leads_alone() -> None:
    cluster = Cluster(1, seed=1)
    cluster.run(1)
    assert cluster.leaders() == ["a"]
    cluster.run(599)
    tally = cluster.tallies[0]
    assert (tally.terms, tally.writes["a"], tally.acquisitions) == (1, 120, 1)


def test_a_thousand_elect_one_and_cost_nothing_from_then_on(crowd: Cluster) -> None:
    leader, tally = crowd.leader, crowd.tallies[0]
    assert tally.terms == 1
    tally.reset()
    crowd.run(60)
    assert crowd.leaders() == [leader]
    assert tally.writes == {leader: 12}
    assert not tally.reads


def test_a_thousand_learn_to_spread(crowd: Cluster) -> None:
    """Nobody knows how many there are: in the first races many write at once, later on few do."""
    tally, costs = crowd.tallies[0], []
    for _ in range(5):
        victim = crowd.leader
        tally.reset()
        crowd.crash(victim)
        crowd.run(30)
        assert crowd.leaders() not in ([], [victim])
        assert tally.terms == 1
        costs.append(tally.acquisitions)
    assert costs[0] <= 200
    assert costs[-1] <= 50


def test_two_hundred_that_want_to_lead_do_not_answer_a_roll_call_all_at_once() -> None:
    cluster = Cluster(0, seed=1)
    cluster.join("leader")
    cluster.run(5)
    for number in range(200):
        cluster.join(f"n{number}", preference=Preference(priority=1 + number % 50))
    cluster.run(50)
    tally = cluster.tallies[0]
    for _ in range(3):
        tally.reset()
        cluster.run(60)
        assert cluster.leaders() == ["leader"]
        assert 8 <= tally.notes.total() <= 100


def test_a_thousand_elections_of_three() -> None:
    cluster = Cluster(3, elections=1000, seed=1)
    cluster.run(30)
    leaders = [cluster.leaders(number) for number in range(1000)]
    for tally in cluster.tallies:
        tally.reset()
    cluster.run(30)
    assert all(len(names) == 1 for names in leaders)
    assert leaders == [cluster.leaders(number) for number in range(1000)]
    assert all(tally.writes == {name: 6} for tally, (name,) in zip(cluster.tallies, leaders, strict=True))
    assert not any(tally.reads for tally in cluster.tallies)


def test_the_processes_of_a_thousand_elections_fail_together() -> None:
    cluster = Cluster(3, elections=1000, seed=2)
    cluster.run(10)
    led = sum(cluster.leaders(number) == ["a"] for number in range(1000))
    assert led > 100
    cluster.crash("a")
    cluster.run_until_led(within=17)
    assert all(cluster.leaders(number) in (["b"], ["c"]) for number in range(1000))
    assert sum(tally.terms for tally in cluster.tallies) == 1000 + led


def test_a_long_time_of_steady_leadership_sends_exactly_the_requests_it_should() -> None:
    """A day; with WEEK=1 in the environment a week."""
    cluster = Cluster(5, seed=3)
    cluster.run(10)
    leader, tally = cluster.leader, cluster.tallies[0]
    assert tally.terms == 1
    tally.reset()
    cluster.run(_DAYS * _DAY_S)
    assert cluster.leader == leader
    assert tally.terms == 0
    assert tally.writes == {leader: _DAYS * 17_280}  # one in five seconds
    assert tally.reads == {name: ended for name, ended in cluster.watches_ended().items() if ended}


@pytest.mark.parametrize("bound", [0.0, 0.01, 0.3])
def test_clocks_within_the_bound_keep_leaders_apart(bound: float) -> None:
    for seed in range(10):
        tight = Timing(clock_rate_bound=bound, renew_deadline=14.9 * (1 - bound))
        cluster = _cut_off_one_by_one(seed, tight, slow=1 - bound * 0.49, fast=1 + bound * 0.49)
        assert not cluster.violations
        assert cluster.tallies[0].terms >= 6


def test_clocks_beyond_the_bound_make_two_leaders_whom_the_fence_still_tells_apart() -> None:
    kinds, refused = [], 0
    for seed in range(10):
        cluster = _cut_off_one_by_one(seed, Timing(), slow=0.7, fast=1.3)
        kinds.append({violation.kind for violation in cluster.violations})
        refused += cluster.stores[0].refused
    assert sum("two valid terms" in each for each in kinds) >= 5
    assert not any("fence" in kind for each in kinds for kind in each)
    assert refused


def _cut_off_one_by_one(seed: int, timing: Timing, *, slow: float, fast: float) -> Cluster:
    """Return a cluster with clocks that differ, after its leader was cut off several times."""
    cluster = Cluster(0, seed=seed, timing=timing, strict=False)
    cluster.join("a", rate=slow)
    cluster.join("b", rate=fast)
    cluster.run(20)
    for _ in range(6):
        cluster.partition(cluster.leader, seconds=25)
        cluster.run(45)
    return cluster
