"""A scenario is drawn from its seed, can be read, and after it has been healed much is demanded."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from typing import Any

import pytest

from tenure.election import Election
from tenure.requests import Purpose, Request, WriteRequest
from tenure.states import State
from tenure.testing.cluster import Cluster, ViolationError
from tenure.testing.scenario import Act, Member, Scenario
from tenure.testing.trial import try_scenario
from tenure.timing import Timing

_MANY = [Scenario.random(seed) for seed in range(300)]
_CALM = Scenario(seed=1, members=tuple(Member(name, Timing()) for name in "abc"), acts=(), seconds=20)


def test_one_seed_is_one_scenario() -> None:
    assert Scenario.random(7) == Scenario.random(7)
    assert len({str(scenario) for scenario in _MANY}) == len(_MANY)


def test_everything_happens_in_its_time() -> None:
    for scenario in _MANY:
        times = [act.at for act in scenario.acts]
        assert times == sorted(times)
        assert all(at >= 0 for at in times)


def test_whatever_is_drawn_can_be_done() -> None:
    for scenario in _MANY:
        for act in scenario.acts:
            options = dict(act.options)
            inspect.signature(getattr(Cluster, act.verb)).bind(None, **options)
            if act.verb == "ambush":
                verb = options.pop("verb")
                strike = {name: options[name] for name in options.keys() - {"purpose", "delay_s"}}
                inspect.signature(getattr(Cluster, verb)).bind(None, **strike)


def test_every_fault_is_drawn() -> None:
    drawn = {act.verb for scenario in _MANY for act in scenario.acts}
    public = {name for name, _ in inspect.getmembers(Cluster, inspect.isfunction) if not name.startswith("_")}
    others = {"candidate", "heal", "join", "leaders", "resume", "run", "run_until_led", "watches_ended"}
    assert drawn == public - others


def test_it_can_be_read() -> None:
    member = Member("b", Timing(lease_duration=3, renew_deadline=2.5), 1.004, 1000.0, "twin")
    acts = (
        Act(1.5, "partition", {"name": "a", "direction": "incoming", "seconds": 3.0}),
        Act(20, "compact"),
    )
    scenario = Scenario(7, (Member("a", Timing()), member), acts, "wait")
    assert str(scenario).splitlines() == [
        "seed 7, on_missing='wait'",
        "a: lease 15s, deadline 10s, clock +0s at rate 1",
        "b as twin: lease 3s, deadline 2.5s, clock +1000s at rate 1.004",
        "at 1.5s partition(name='a', direction='incoming', seconds=3.0)",
        "at 20s compact()",
    ]


def test_the_leader_is_whoever_leads_by_then() -> None:
    cluster = _CALM.cluster()
    cluster.run(10)
    first = cluster.leader
    Act(10, "crash", {"name": "the leader"}).do(cluster)
    cluster.run_until_led(within=17)
    second = cluster.leader
    Act(30, "crash", {"name": "the leader"}).do(cluster)
    crashed = [name for name, process in cluster.processes.items() if process.crashed]
    assert sorted(crashed) == sorted([first, second])


def test_its_members_are_as_they_are_described() -> None:
    scenario = next(each for each in _MANY if any(member.identity for member in each.members))
    cluster = scenario.cluster()
    for member in scenario.members:
        process = cluster.processes[member.name]
        assert process.identity == (member.identity or member.name)
        assert process.timing == member.timing
        assert process.clock.local(0.0) == member.offset
        assert process.clock.local(1.0) == pytest.approx(member.offset + member.rate)


def test_it_is_played_to_its_end() -> None:
    scenario = replace(_CALM, acts=(Act(5, "crash", {"name": "a"}), Act(18, "restart", {"name": "a"})))
    cluster = scenario.cluster()
    scenario.play(cluster)
    assert cluster.now == 20
    assert cluster.candidate("a").name == "a.1"


def test_a_calm_cluster_meets_all_demands() -> None:
    figures = try_scenario(_CALM)
    assert figures.terms == 1
    assert figures.healed_in_s == 0
    assert 1 <= figures.takeover_writes <= 2


# ---- what is demanded, of cores that do otherwise


class _WithAlarm(Election):
    """Does something of its own at times."""

    alarm_at = math.inf

    def get_timer(self) -> float | None:
        due = super().get_timer()
        return min(self.alarm_at, math.inf if due is None else due)


class Polling(_WithAlarm):
    """A follower that reads every five seconds, beside its watch."""

    def handle_timer(self, now: float) -> None:
        if now >= self.alarm_at or self.alarm_at == math.inf:
            self.alarm_at = now + 5
            self.refresh(now)
        super().handle_timer(now)


class Restless(_WithAlarm):
    """A leader that gives its term up after 20 seconds."""

    def handle_timer(self, now: float) -> None:
        if self.state is not State.LEADING:
            self.alarm_at = math.inf
        elif self.alarm_at == math.inf:
            self.alarm_at = now + 20
        elif now >= self.alarm_at:
            self.alarm_at = math.inf
            self.resign(now)
        super().handle_timer(now)


class Eager(Election):
    """A leader that renews every second."""

    def __init__(self, *, timing: Timing, **options: Any) -> None:
        super().__init__(timing=replace(timing, renew_period=1.0), **options)


class Lavish(Election):
    """A contender whose first writes are in vain."""

    vain = 3

    def requests_to_send(self, now: float) -> list[Request]:
        return [self._spoilt(request) for request in super().requests_to_send(now)]

    def _spoilt(self, request: Request) -> Request:
        acquires = isinstance(request, WriteRequest) and request.purpose is Purpose.ACQUIRE
        if not (acquires and request.base and self.vain):
            return request
        self.vain -= 1
        return replace(request, base=replace(request.base, version=request.base.version - 1))


class Shy(Election):
    """A contender that never writes."""

    def requests_to_send(self, now: float) -> list[Request]:
        return [each for each in super().requests_to_send(now) if not isinstance(each, WriteRequest)]


class Impatient(Election):
    """A leader that gives its body no time to end."""

    def __init__(self, **options: Any) -> None:
        super().__init__(drain_timeout=1.0, **options)


class Faulty(Election):
    """A core that breaks."""

    def body_ended(self, now: float) -> None:
        raise KeyError("a fault of its own")


@pytest.mark.parametrize(
    ("core", "said"),
    [
        (Polling, "needless reads: 12 of "),
        (Restless, "unrest: "),
        (Eager, "needless writes, or too few: "),
        (Lavish, "costly takeover: "),
        (Faulty, "failed with KeyError: 'a fault of its own'"),
        (Shy, "no leader: none within "),
        (Impatient, "lost while draining: "),
    ],
)
def test_what_is_demanded(core: Any, said: str) -> None:
    with pytest.raises(ViolationError, match=said):
        try_scenario(_CALM, core=core)
