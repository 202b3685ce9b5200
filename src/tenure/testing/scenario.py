"""Scenario: what happens to a simulated cluster, drawn from a seed or written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tenure.election import Election, OnMissing
from tenure.handover import Preference
from tenure.testing.ambush import WRITER
from tenure.testing.cluster import Cluster
from tenure.testing.drawing import Drawer, Drawn, drain, on_a_process, on_a_server, on_the_record, skew
from tenure.testing.machine import MachineClock
from tenure.testing.world import Core, World
from tenure.timing import Timing

__all__ = ["LEADER", "Act", "Member", "Scenario"]

LEADER = "the leader"
"""In the place of a name: whoever leads by then, or else the first process."""


@dataclass(frozen=True)
class Act:
    """One thing that happens.

    Attributes:
        at: true time, seconds.
        verb: the name of a method of the cluster, or group of peers.
        options: its arguments; a name may be ``"the leader"``.
    """

    at: float
    verb: str
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"at {self.at:g}s {self.verb}({', '.join(f'{k}={v!r}' for k, v in self.options.items())})"

    def do(self, cluster: Cluster) -> None:
        """Let it happen."""
        leader = cluster.leader or next(iter(cluster.processes))
        getattr(cluster, self.verb)(**{key: _meant(value, leader) for key, value in self.options.items()})


def _meant(value: Any, leader: str) -> Any:
    if isinstance(value, list):
        return [_meant(each, leader) for each in value]
    return leader if value == LEADER else value


@dataclass(frozen=True)
class Member:
    """One process of a scenario.

    Attributes:
        name: of the process.
        timing: of its candidate.
        rate: of its clock.
        offset: of its clock, in seconds.
        identity: that it campaigns under.
        preference: how much it wants to lead.
    """

    name: str
    timing: Timing
    rate: float = 1.0
    offset: float = 0.0
    identity: str = ""
    preference: Preference = field(default_factory=Preference)

    def __str__(self) -> str:
        lease, deadline = self.timing.lease_duration, self.timing.renew_deadline
        name = self.name if not self.identity else f"{self.name} as {self.identity}"
        wish = f", priority {self.preference.priority}" if self.preference.priority else ""
        wish += f", preempts after {self.preference.minimum_tenure:g}s" if self.preference.preempt else ""
        clock = f"clock {self.offset:+g}s at rate {self.rate:g}"
        return f"{name}: lease {lease:g}s, deadline {deadline:g}s, {clock}{wish}"


@dataclass(frozen=True)
class Scenario:
    """Members, and what happens to them.

    Attributes:
        seed: of the latencies and of everything else that is random in the run.
        members: the processes.
        acts: in the order of their times.
        on_missing: of all candidates.
        seconds: how long it lasts, true time.
    """

    seed: int
    members: tuple[Member, ...]
    acts: tuple[Act, ...]
    on_missing: OnMissing = "create"
    seconds: float = 300.0

    def __str__(self) -> str:
        head = f"seed {self.seed}, on_missing={self.on_missing!r}"
        return "\n".join([head, *map(str, self.members), *map(str, self.acts)])

    def cluster(
        self,
        *,
        core: Callable[..., Core] = Election,
        clock: Callable[..., MachineClock] = MachineClock,
        make_world: Callable[..., World] = World,
        strict: bool = True,
    ) -> Cluster:
        """Return the cluster in which it is to be played."""
        cluster = Cluster(
            0,
            seed=self.seed,
            on_missing=self.on_missing,
            core=core,
            clock=clock,
            make_world=make_world,
            strict=strict,
        )
        self.populate(cluster)
        return cluster

    def populate(self, cluster: Cluster) -> None:
        """Let the members join."""
        for member in self.members:
            cluster.join(
                member.name,
                identity=member.identity,
                rate=member.rate,
                offset=member.offset,
                timing=member.timing,
                preference=member.preference,
            )

    def play(self, cluster: Cluster) -> None:
        """Let everything happen in its time.

        Raises:
            ViolationError: the safety contract was broken.
        """
        for act in self.acts:
            cluster.run(act.at - cluster.now)
            act.do(cluster)
        cluster.run(self.seconds - cluster.now)

    @property
    def longest_lease(self) -> float:
        """Of all members, in seconds."""
        return max(member.timing.lease_duration for member in self.members)

    @classmethod
    def random(cls, seed: int, *, seconds: float = 300.0) -> Scenario:
        """Draw a scenario: who takes part, and what happens to them."""
        return _Draw(seed, seconds).scenario()


class _Draw:
    """One scenario in the making."""

    def __init__(self, seed: int, seconds: float) -> None:
        self._seed = seed
        self._random = Random(f"scenario {seed}")
        self._seconds = seconds
        self._lease = self._random.choice([3.0, 15.0, 15.0, 30.0])
        self._tight = self._random.random() < 0.5
        self._ranked = self._random.random() < 1 / 3
        self._on_missing: OnMissing = self._random.choice(["create", "wait"])
        self._calm = self._random.choice([4.0, 12.0, 30.0])  # mean seconds between two acts

    def scenario(self) -> Scenario:
        members = tuple(
            self._member(name) for name in "abcdefg"[: self._random.choice([1, 2, 2, 3, 3, 5, 7])]
        )
        acts = []
        at = 0.0
        while (at := round(at + self._random.expovariate(1 / self._calm), 3)) < self._seconds:
            acts += self._acts(at, members)
        acts.sort(key=lambda act: act.at)
        return Scenario(self._seed, members, tuple(acts), self._on_missing, self._seconds)

    def _member(self, name: str) -> Member:
        lease = self._lease
        if self._on_missing == "create" and self._random.random() < 0.2:
            lease *= self._random.choice([0.5, 2.0])  # as while a new duration is rolled out
        bound = Timing().clock_rate_bound
        # As late as it may be, so that nothing is hidden by the room between two deadlines.
        deadline = round(lease * (0.98 if self._tight else 2 / 3), 3)
        timing = Timing(lease_duration=lease, renew_deadline=deadline)
        rate = 1 + self._random.choice([-0.49, 0.49, self._random.uniform(-0.49, 0.49)]) * bound
        offset = self._random.choice([0.0, 1000.0, 1e6])
        identity = "twin" if self._random.random() < 0.1 else ""
        return Member(name, timing, round(rate, 6), offset, identity, self._preference())

    def _preference(self) -> Preference:
        """In a third of the scenarios the members have different ones."""
        if not self._ranked:
            return Preference()
        priority = self._random.choice([0, 0, 1, 7, 1000])
        preempt = priority > 0 and self._random.random() < 0.5
        tenure = self._lease * self._random.choice([0.0, 1.0, 4.0])
        return Preference(priority=priority, preempt=preempt, minimum_tenure=tenure)

    def _acts(self, at: float, members: tuple[Member, ...]) -> list[Act]:
        if self._random.random() < 0.06:
            return self._usurpation(at, members)
        draw = self._random.choice(_ACTS)
        name = LEADER if self._random.random() < 0.5 else self._random.choice(members).name
        verb, options = draw(self._random, name, self._duration_s())
        return [Act(at, verb, options)]

    def _usurpation(self, at: float, members: tuple[Member, ...]) -> list[Act]:
        """The record of a leader that is cut off is deleted, and somebody comes who never saw it (rule 4)."""
        newcomer = self._random.choice(members).name
        longer_s = 2 * self._lease
        times = sorted(round(at + self._random.uniform(0.1, 2.0), 3) for _ in range(3))
        acts = [
            Act(at, "partition", {"name": LEADER, "seconds": longer_s}),
            Act(times[0], self._random.choice(["delete_record", "recreate_record"])),
            Act(times[1], "restart", {"name": newcomer}),
        ]
        if self._random.random() < 0.5:
            acts.append(Act(times[2], "resign", {"name": newcomer}))
        if self._random.random() < 0.3:
            acts.append(Act(times[2], "partition", {"name": newcomer, "seconds": longer_s}))
        return acts

    def _duration_s(self) -> float:
        lease = self._lease
        return round(self._random.choice([0.2, 1.0, 3.0, lease / 2, lease, lease * 1.5, lease * 3]), 3)


def _restart(random: Random, name: str, seconds: float) -> Drawn:
    return "restart", {"name": name, "identity": random.choice(["", "", "other", "twin"])}


def _disconnect(random: Random, name: str, seconds: float) -> Drawn:
    return "disconnect", {"name": name}


def _transfer(random: Random, name: str, seconds: float) -> Drawn:
    return "transfer", {"name": name, "to": random.choice(["", *"abcde", "twin", "nobody"])}


def _request(random: Random, name: str, seconds: float) -> Drawn:
    return "request_handover", {"to": random.choice(["", *"abcde", "twin", "nobody"])}


_STRIKES: list[tuple[str, dict[str, Any]]] = [
    ("empty_record", {}),
    ("delete_record", {}),
    ("recreate_record", {}),
    ("edit_record", {"holder": "somebody"}),
    ("partition", {"name": WRITER, "seconds": 20.0}),
    ("partition", {"name": WRITER, "direction": "incoming", "seconds": 10.0}),
    ("pause", {"name": WRITER, "seconds": 20.0}),
    ("crash", {"name": WRITER, "seconds": 1.0}),
    ("resign", {"name": WRITER}),
    ("transfer", {"name": WRITER, "to": "a"}),
    ("request_handover", {"to": "b"}),
    ("be_ineligible", {"name": WRITER, "seconds": 1.0}),
]


def _ambush(random: Random, name: str, seconds: float) -> Drawn:
    purpose = random.choice(["acquire", "acquire", "renew", "release"])
    delay_s = random.choice([0.0, 0.002, 0.01, 0.5])
    verb, options = random.choice(_STRIKES)
    return "ambush", {"verb": verb, "purpose": purpose, "delay_s": delay_s, **options}


_ACTS: list[Drawer] = [
    on_a_process("partition"),
    on_a_process("partition"),
    on_a_process("partition", direction="outgoing"),
    on_a_process("partition", direction="incoming"),
    on_a_process("partition", direction="incoming"),
    on_a_process("lose", share=0.4),
    on_a_process("slow_down", slowness_s=0.5),
    on_a_process("slow_down", slowness_s=3.0),
    on_a_process("expire_credentials"),
    on_a_process("crash"),
    on_a_process("pause"),
    on_a_process("pause"),
    on_a_process("suspend"),
    on_a_process("resign"),
    on_a_process("resign"),
    on_a_process("be_ineligible"),
    _transfer,
    _request,
    _disconnect,
    _restart,
    drain,
    skew,
    on_a_server("outage"),
    on_a_server("pause_server"),
    on_a_server("lag", lag_s=1.0),
    on_a_server("lag", lag_s=20.0),
    on_a_server("fail", share=0.5),
    on_a_server("throttle", retry_after_s=2.0),
    _ambush,
    _ambush,
    on_the_record("compact"),
    on_the_record("touch_record"),
    on_the_record("delete_record"),
    on_the_record("delete_record"),
    on_the_record("empty_record"),
    on_the_record("edit_record", holder="somebody"),
    on_the_record("edit_record", holder="somebody", lease_duration=1.0),
    on_the_record("edit_record", holder="somebody", lease_duration=None),
    on_the_record("recreate_record"),
    on_the_record("garble_record"),
    on_the_record("restore", versions=5),
]
