"""Draw: one random scenario of peers in the making."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any, Literal

from tenure.handover import Preference
from tenure.peer.electorate import Electorate
from tenure.peer.registration import OnOutage
from tenure.testing.ambush import WRITER
from tenure.testing.drawing import Drawer, Drawn, drain, on_a_process, on_a_server, on_the_record, skew
from tenure.testing.scenario import LEADER, Act, Member
from tenure.timing import Timing

__all__ = ["Breach", "Draw"]

Breach = Literal["", "clocks", "twins"]
"""Which assumption is broken: none, that of the clock rates (0.7 and 1.3), or one process of a name."""

_BOUND = Timing().clock_rate_bound
_MEMBERS = "abcdefg"
_NEWCOMERS = "hij"


class Draw:
    """Draws who takes part, and what happens.

    Args:
        seed: of the draw.
        seconds: how long it lasts, true time.
        hybrid: None: that is drawn as well.
        breach: which assumption is broken.

    Attributes:
        electorate: the voters, T and M.
        on_outage: of hybrid mode; None: peers alone.
        names_known: discovery tells names.
        wall_error_s: by how much wall clocks differ from true time at most, in seconds.
        members: who takes part.
        acts: what happens, in the order of its time.
    """

    def __init__(self, seed: int, seconds: float, *, hybrid: bool | None, breach: Breach) -> None:
        self._random = random = Random(f"peers {seed}")
        self._breach = breach
        lease = self._lease = random.choice([0.9, 2.0, 2.0, 5.0])
        self._tight = random.random() < 0.5 or breach == "clocks"
        self._ranked = random.random() < 1 / 3
        self._calm_s = lease * random.choice([0.25, 0.75, 2.0])  # mean time between two acts
        size = random.choice([3, 3, 4, 5, 6, 7, 7])
        voters = tuple(_MEMBERS[: 5 if size >= 5 and random.random() < 0.5 else 3])
        silence_s = self._silence_s(lease)
        self.electorate = Electorate(voters=voters, lease=lease, longest_lease=silence_s)
        is_hybrid = random.random() < 0.5 if hybrid is None else hybrid
        wish: OnOutage = random.choice(["wait", "wait", "elect"])
        self.on_outage: OnOutage | None = wish if is_hybrid else None
        self.names_known = random.random() < 0.7
        # Tokens that are rounds rise across a loss of all memory as far as wall clocks agree.
        self.wall_error_s = 1e6 if is_hybrid else 0.2 * silence_s
        self.members = tuple(self._member(name) for name in _MEMBERS[:size])
        self._newcomers = list(_NEWCOMERS)
        self._shortens = random.random() < 0.3  # the lease, and then the silence
        self._changes = 0
        self._choices = [*_AMONG_PEERS, *[self._sever] * 3, *[self._split] * 2]
        self._choices += _IN_HYBRID_MODE if is_hybrid else []
        drawn = [act for act in self._draw_acts(seconds) if act.at < seconds]
        self.acts = tuple(sorted(drawn, key=lambda act: act.at))

    def _silence_s(self, lease: float) -> float:
        """Return M for T: the default, or as short as it may be, so that no room in it hides anything."""
        return round(lease * (1 + _BOUND) + 0.0105, 3) if self._tight else 1.25 * lease

    def _member(self, name: str) -> Member:
        random, lease = self._random, self._lease
        deadline = round(lease * (0.98 if self._tight else 2 / 3), 3)
        rate = 1 + random.choice([-0.49, 0.49, random.uniform(-0.49, 0.49)]) * _BOUND
        if self._breach == "clocks":
            rate = random.choice([0.7, 1.3])
        return Member(
            name,
            Timing(lease_duration=lease, renew_deadline=deadline),
            round(rate, 6),
            random.choice([0.0, 1000.0, 1e6]),
            preference=self._preference(),
        )

    def _preference(self) -> Preference:
        """In a third of the scenarios the members have different ones."""
        random = self._random
        if not self._ranked:
            return Preference()
        priority = random.choice([0, 0, 1, 7, 1000])
        preempt = priority > 0 and random.random() < 0.5
        tenure = self._lease * random.choice([0.0, 1.0, 3.0])
        return Preference(priority=priority, preempt=preempt, minimum_tenure=tenure)

    def _draw_acts(self, seconds: float) -> list[Act]:
        acts = []
        if self._random.random() < 0.5:  # the weather that there is all the time
            acts.append(Act(0.0, *_disturb(self._random, "", seconds)))
        if self._breach == "twins":
            acts.append(Act(1.0, "twin", {"name": "a"}))
        at = 0.0
        while (at := round(at + self._random.expovariate(1 / self._calm_s), 3)) < seconds:
            acts += self._acts(at)
        return acts

    def _acts(self, at: float) -> list[Act]:
        random = self._random
        if self._breach == "clocks" and random.random() < 0.2:
            return [Act(at, "isolate", {"name": LEADER, "seconds": 3 * self._lease})]
        if self._breach == "twins" and random.random() < 0.2:
            # Each of the two finds a majority.
            names = ["a", *self.electorate.voters[1 : len(self.electorate.voters) // 2 + 1]]
            return [Act(at, "split", {"names": names, "seconds": 3 * self._lease})]
        if random.random() < 0.04 and self._newcomers:
            return [Act(at, "join", {"name": self._newcomers.pop(0)})]
        if random.random() < 0.04 and not self._breach:
            return self._change(at)
        if random.random() < 0.1:
            return self._siege(at)
        draw = random.choice(self._choices)
        return [Act(at, *draw(random, self._name(), self._duration_s()))]

    def _siege(self, at: float) -> list[Act]:
        """A candidate that does not hear the leader tries again and again, while voters are in trouble."""
        random, lease = self._random, self._lease
        voters = random.sample(self.electorate.voters, 2)
        outsider = random.choice(self.members).name
        direction = random.choice(["both", "outgoing"])
        cut = {"name": LEADER, "direction": direction, "seconds": random.choice([3, 6]) * lease}
        acts = [Act(at, "sever", {**cut, "other": outsider}), Act(at, "sever", {**cut, "other": voters[0]})]
        times = sorted(round(at + random.uniform(0.5, 5.0) * lease, 3) for _ in range(2))
        if random.random() < 0.5:
            # What was to be given back before is given back once more.
            late = {"lateness": 0.7, "late_s": 5 * lease, "duplication": 0.5, "seconds": 0.5 * lease}
            begun = round(at + 0.4 * lease, 3)
            acts = [
                Act(at, "disturb", late),
                Act(at, "resign", {"name": LEADER}),
                *(replace(act, at=begun) for act in acts),
            ]
        for time, voter in zip(times, voters[1:] * 2, strict=True):
            acts.append(Act(time, *random.choice(_TROUBLES)(random, voter, lease)))
        return acts

    def _name(self) -> str:
        if self._random.random() < 0.4:
            return LEADER
        return self._random.choice([*self.electorate.voters, *self._names])

    @property
    def _names(self) -> list[str]:
        return [member.name for member in self.members]

    def _duration_s(self) -> float:
        lease = self._lease
        return round(lease * self._random.choice([0.05, 0.2, 0.5, 1.0, 1.5, 3.0, 6.0]), 3)

    def _change(self, at: float) -> list[Act]:
        """Other voters, or other durations: a longer T with its M, a shorter one before its M."""
        random, lease = self._random, self._lease
        cut = {"names": list(self.electorate.voters), "seconds": random.choice([6, 12]) * lease}
        acts = [Act(at, "split", cut)] if random.random() < 0.7 else []
        options: dict[str, Any] = {"every_s": round(lease * random.choice([0.1, 1.0, 2.0, 2.0]), 3)}
        self._changes += 1
        if self._shortens and self._changes == 1:  # nothing is under way then: it does happen
            options["lease"] = lease / 2
        elif self._shortens and random.random() < 0.5:
            options["longest_lease"] = self._silence_s(lease / 2)
        elif self._shortens or random.random() < 0.7:
            names = self._names
            size = 5 if len(names) > 5 and random.random() < 0.3 else 3
            options["voters"] = random.choice([names[-size:], sorted(random.sample(names, size))])
        else:
            factor = random.choice([0.5, 2.0])
            options["lease"] = lease * factor
            if factor > 1:
                options["longest_lease"] = round(self.electorate.longest_lease * factor, 3)
        return [*acts, Act(at, "adopt", options)]

    def _sever(self, random: Random, name: str, seconds: float) -> Drawn:
        others = [each for each in (LEADER, *self._names) if each != name]
        direction = random.choice(["both", "outgoing", "incoming"])
        options = {"name": name, "other": random.choice(others), "direction": direction}
        return "sever", {**options, "seconds": seconds}

    def _split(self, random: Random, name: str, seconds: float) -> Drawn:
        more = random.sample(self._names, random.randint(0, (len(self._names) - 1) // 2))
        direction = random.choice(["both", "outgoing", "incoming"])
        return "split", {"names": sorted({name, *more}), "direction": direction, "seconds": seconds}


def _disturb(random: Random, name: str, seconds: float) -> Drawn:
    options = {
        "loss": random.choice([0.0, 0.05, 0.2, 0.5]),
        "duplication": random.choice([0.0, 0.1, 0.5]),
        "lateness": random.choice([0.0, 0.05, 0.2, 0.5]),
        "late_s": random.choice([0.05, 0.5, 3.0, 10.0]),
    }
    where = random.choice(["", name])
    return "disturb", {**options, "name": where, "seconds": seconds}


def _restart(random: Random, name: str, seconds: float) -> Drawn:
    return "restart", {"name": name, "keeps_address": random.random() < 0.5}


def _transfer(random: Random, name: str, seconds: float) -> Drawn:
    return "transfer", {"name": name, "to": random.choice(["", *"abcde", "nobody"])}


_STRIKES: list[tuple[str, dict[str, Any]]] = [
    ("restart", {"name": WRITER, "keeps_address": True}),
    ("restart", {"name": "b", "keeps_address": True}),
    ("crash", {"name": WRITER, "seconds": 1.0}),
    ("pause", {"name": WRITER, "seconds": 3.0}),
    ("isolate", {"name": WRITER, "seconds": 4.0}),
    ("isolate", {"name": WRITER, "direction": "incoming", "seconds": 4.0}),
    ("isolate", {"name": WRITER, "direction": "outgoing", "seconds": 4.0}),
    ("disturb", {"name": WRITER, "lateness": 0.8, "late_s": 4.0, "seconds": 4.0}),
    ("disturb", {"name": WRITER, "loss": 0.5, "duplication": 0.5, "seconds": 4.0}),
    ("resign", {"name": WRITER}),
    ("transfer", {"name": WRITER, "to": "a"}),
    ("be_ineligible", {"name": WRITER, "seconds": 1.0}),
]
_AWAITED = ["Prepare", "Promise", "Propose", "Accept", "Accept", "Held", "Release", "Leading", "acquire"]


def _ambush(random: Random, name: str, seconds: float) -> Drawn:
    verb, options = random.choice(_STRIKES)
    delay_s = random.choice([0.0, 0.0003, 0.001, 0.5])
    return "ambush", {"verb": verb, "purpose": random.choice(_AWAITED), "delay_s": delay_s, **options}


_TROUBLES: list[Drawer] = [
    lambda random, name, seconds: ("restart", {"name": name, "keeps_address": True}),
    on_a_process("crash"),
    on_a_process("pause"),
    on_a_process("isolate"),
]

_AMONG_PEERS: list[Drawer] = [
    on_a_process("isolate"),
    on_a_process("isolate", direction="outgoing"),
    on_a_process("isolate", direction="incoming"),
    _disturb,
    _disturb,
    on_a_process("crash"),
    _restart,
    _restart,
    lambda random, name, seconds: ("blackout", {"seconds": seconds}),
    on_a_process("leave"),
    on_a_process("pause"),
    on_a_process("pause"),
    on_a_process("suspend"),
    on_a_process("blind"),
    on_a_process("resign"),
    on_a_process("be_ineligible"),
    _transfer,
    drain,
    skew,
    _ambush,
    _ambush,
    _ambush,
]

_IN_HYBRID_MODE: list[Drawer] = [
    lambda random, name, seconds: (
        "step_wall_clock",
        {"name": name, "by_s": random.choice([-1e5, -seconds, 1e5])},
    ),
    on_a_process("partition"),
    on_a_process("partition", direction="outgoing"),
    on_a_process("partition", direction="incoming"),
    on_a_process("lose", share=0.4),
    on_a_process("slow_down", slowness_s=0.5),
    on_a_process("slow_down", slowness_s=3.0),
    on_a_process("expire_credentials"),
    on_a_server("outage"),
    on_a_server("outage"),
    on_a_server("pause_server"),
    on_a_server("lag", lag_s=1.0),
    on_a_server("lag", lag_s=20.0),
    on_a_server("fail", share=0.5),
    on_a_server("throttle", retry_after_s=2.0),
    on_the_record("touch_record"),
    on_the_record("delete_record"),
    on_the_record("empty_record"),
    on_the_record("edit_record", holder="somebody"),
    on_the_record("recreate_record"),
    on_the_record("garble_record"),
    on_the_record("restore", versions=5),
]
