"""What a recording notes of a simulated election, a transcript repeats: the same events at the same times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

import pytest

from tenure.election import Election
from tenure.events import Event
from tenure.requests import Purpose, Request
from tenure.testing.cluster import Cluster
from tenure.testing.recording import Recording
from tenure.testing.scenario import Act, Scenario
from tenure.testing.transcript import Transcript
from tenure.testing.world import Candidate, Change, Observer, World
from tenure.timing import Timing


class Log(Observer):
    """Keeps everything that cores tell and send and the store makes of it, and when."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def said(self, candidate: Candidate, event: Event) -> None:
        self.lines.append((round(self.world.now, 6), candidate.name, plain(event)))

    def sent(self, candidate: Candidate, request: Request) -> None:
        self.lines.append((round(self.world.now, 6), candidate.name, plain(request)))

    def changed(self, change: Change) -> None:
        author = change.author.name if change.author else "a hand"
        self.lines.append((round(change.at, 6), author, plain(change.before), plain(change.after)))


class Replay(Transcript):
    """A transcript that keeps a log as well."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.log.world = self.world

    def said(self, candidate: Candidate, event: Event) -> None:
        self.log.said(candidate, event)
        super().said(candidate, event)

    def sent(self, candidate: Candidate, request: Request) -> None:
        self.log.sent(candidate, request)
        super().sent(candidate, request)

    def changed(self, change: Change) -> None:
        self.log.changed(change)
        super().changed(change)


def plain(value: Any) -> Any:
    """Return it with numbers as far as a clock that is set anew shows them the same."""
    if isinstance(value, float):
        return round(value, 6) + 0.0
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, *(plain(getattr(value, each.name)) for each in fields(value))
    return value.name if isinstance(value, Enum) else value


def replayed(commands: list[str]) -> Replay:
    """Run commands as a transcript; none of them may fail."""
    replay = Replay()
    for command in commands:
        assert not [line for line in replay.run([command]) if " error: " in line], command
    return replay


def recorded(
    make: Callable[..., Cluster], happens: Callable[[Cluster], None]
) -> tuple[Cluster, list[str], list[Any]]:
    """Return a cluster to which something has happened, the recording's commands, and the log."""
    recording, log = Recording(Election), Log()

    def make_world(*observers: Observer) -> World:
        return recording.world(*observers, log)

    cluster = make(core=recording.core, make_world=make_world)
    happens(cluster)
    return cluster, recording.commands, log.lines


@pytest.mark.parametrize("seed", range(30))
def test_a_random_run_is_repeated(seed: int) -> None:
    drawn = Scenario.random(seed, seconds=150)
    # (What an API server still had to tell when its store was restored, no transcript can tell.)
    scenario = replace(drawn, acts=tuple(act for act in drawn.acts if act.verb != "restore"))

    def happens(cluster: Cluster) -> None:
        scenario.play(cluster)
        cluster.heal()
        cluster.run(60)

    _, commands, lines = recorded(scenario.cluster, happens)
    replay = replayed(commands)
    assert len(lines) > 10
    assert replay.log.lines == lines
    assert replay.violations == []


def test_the_log_tells_one_run_from_another() -> None:
    first, second = (
        recorded(Scenario.random(seed).cluster, lambda cluster: cluster.run(20)) for seed in (0, 1)
    )
    assert replayed(first[1]).log.lines == first[2] != second[2]


HAPPENINGS: dict[str, tuple[list[Act], str]] = {
    "pause": ([Act(8, "pause", {"name": "the leader", "seconds": 30})], "unpause "),
    "suspend": ([Act(8, "suspend", {"name": "the leader", "seconds": 30})], " 30s"),
    "skew": ([Act(8, "skew", {"name": "the leader", "rate": 1.004})], " 1.004"),
    "restart": ([Act(8, "restart", {"name": "a", "identity": "other"})], "candidate a.1 identity=other"),
    "restarted beside a skewed clock": (
        [Act(3, "skew", {"name": "a", "rate": 0.996}), Act(8, "crash", {"name": "a", "seconds": 3})],
        " offset=0.01",
    ),
    "lagging replica": (
        [
            Act(8, "lag", {"lag_s": 20}),
            Act(20, "disconnect", {"name": "a"}),
            Act(20, "disconnect", {"name": "b"}),
            Act(20, "disconnect", {"name": "c"}),
        ],
        " v",
    ),
    "late write": ([Act(9.5, "pause_server", {"seconds": 12})], "land "),
    "partition": ([Act(8, "partition", {"name": "the leader", "seconds": 30})], "lose "),
    "throttle": ([Act(8, "throttle", {"retry_after_s": 2.0, "seconds": 6})], "refuse "),
    "compaction": (
        [Act(8, "compact"), Act(12, "touch_record"), Act(13, "compact"), Act(20, "outage", {"seconds": 3})],
        "refresh ",
    ),
    "hands": (
        [
            Act(8, "edit_record", {"holder": "somebody", "lease_duration": None}),
            Act(12, "garble_record"),
            Act(16, "recreate_record"),
            Act(30, "touch_record"),
            Act(36, "edit_record", {"holder": "somebody", "lease_duration": 1.5}),
        ],
        "write holder=somebody lease=1.5",
    ),
    "restore": ([Act(20, "restore", {"versions": 2})], "restore v"),
    "slow drain": (
        [
            Act(45, "drain_slowly", {"name": "the leader", "drain_s": 40}),
            Act(48, "resign", {"name": "the leader"}),
        ],
        "body-ended ",
    ),
    "ambush": (
        [
            Act(0, "ambush", {"verb": "delete_record", "purpose": Purpose.ACQUIRE.value}),
            Act(4, "ambush", {"verb": "crash", "purpose": "renew", "name": "the writer", "seconds": 2}),
        ],
        "crash ",
    ),
}


@pytest.mark.parametrize(("acts", "told"), HAPPENINGS.values(), ids=HAPPENINGS)
@pytest.mark.parametrize("on_missing", ["create", "wait"])
def test_what_happens_is_repeated(acts: list[Act], told: str, on_missing: str) -> None:
    def make(**given: Any) -> Cluster:
        cluster = Cluster(2, seed=3, on_missing=on_missing, **given)  # type: ignore[arg-type]
        cluster.join("c", rate=1.002, offset=1e6, timing=Timing(lease_duration=10, renew_deadline=9))
        return cluster

    def happens(cluster: Cluster) -> None:
        for act in acts:
            cluster.run(act.at - cluster.now)
            act.do(cluster)
        cluster.run(100)

    _, commands, lines = recorded(make, happens)
    assert any(told in command for command in commands)
    assert replayed(commands).log.lines == lines


def test_only_what_is_unusual_is_noted_of_a_candidate() -> None:
    def make(**given: Any) -> Cluster:
        cluster = Cluster(0, **given)
        cluster.join("a")
        timing = Timing(lease_duration=30, renew_deadline=29.4, clock_rate_bound=0.005)
        cluster.join("b", identity="twin", rate=0.998, offset=5, timing=timing)
        return cluster

    _, commands, _ = recorded(make, lambda cluster: None)
    assert [command.partition(" draw=")[0] for command in commands if command.startswith("candidate")] == [
        "candidate a",
        "candidate b identity=twin lease=30 deadline=29.4 bound=0.005 offset=5 rate=0.998",
    ]
