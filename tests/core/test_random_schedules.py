"""Random schedules of delayed, lost and late-applied writes: never two leaders, tokens rise, life goes on."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field

import pytest

from tenure.election import Election, OnMissing
from tenure.events import Elected, Event
from tenure.requests import Purpose, Request, WriteRequest
from tenure.states import State
from tenure.testing.machine import MachineClock
from tenure.testing.world import Candidate, Observer, World
from tenure.timing import Timing

SCHEDULES = int(os.environ.get("SCHEDULES", "150"))


@dataclass
class Run(Observer):
    """One random schedule with its independent checker."""

    seed: int
    on_missing: OnMissing
    strict: bool = True
    tokens: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.world = World(self)
        for name in ("a", "b", "c")[: self.random.randint(2, 3)]:
            self.world.add(self._candidate(name))

    def _candidate(self, name: str) -> Candidate:
        timing = Timing(lease_duration=self._lease_duration())
        election = Election(
            identity=self.random.choice([name, "twin"]),
            incarnation=f"{name}-{self.seed}",
            timing=timing,
            draw=self.random.random,
            on_missing=self.on_missing,
            drain_timeout=self.random.choice([1.0, 20.0]),
        )
        rate = 1 + self.random.choice([-0.5, 0, 0.5]) * timing.clock_rate_bound
        return Candidate(name, election, MachineClock(rate=rate, offset=self.random.choice([0.0, 1000.0])))

    def _lease_duration(self) -> float:
        """Durations differ, as while they are changed, but where a proof may be against an unseen one."""
        return 15 if self.on_missing == "wait" else self.random.choice([5, 15, 15, 15, 30])

    # ---- the independent checks

    def said(self, candidate: Candidate, event: Event) -> None:
        self._check_output(candidate, event)

    def sent(self, candidate: Candidate, request: Request) -> None:
        self._check_output(candidate, request)

    def _check_output(self, candidate: Candidate, output: Event | Request) -> None:
        if isinstance(output, Elected):
            self.tokens.append(int(output.token))
            assert self.tokens == sorted(set(self.tokens)), "tokens must rise strictly"
        if isinstance(output, WriteRequest) and output.purpose is Purpose.RENEW:
            assert candidate.core.state in (State.LEADING, State.DRAINING, State.PROVING)
            assert output.timeout > 0

    def check(self) -> None:
        """At most one candidate has a valid term at this instant."""
        valid = [c.name for c in self.world.candidates.values() if self._is_valid(c)]
        assert len(valid) < 2 or not self.strict, f"seed {self.seed}: {valid} lead at {self.world.now}"

    def _is_valid(self, candidate: Candidate) -> bool:
        return candidate.has_valid_term(self.world.now)

    # ---- the schedule

    def play(self, steps: int, *, deletions: bool) -> None:
        """Take random steps, then heal everything and demand a leader."""
        for _ in range(steps):
            candidate = self.random.choice(list(self.world.candidates.values()))
            self._live(candidate)
            self._meddle(candidate, deletions=deletions)
            self.check()
            self.world.advance(self.world.now + self._pause_s(), check=self.check)
        self._heal()

    def _pause_s(self) -> float:
        return self.random.choice([0.0, 0.005, 0.02, 0.1, 0.1, 0.7, 2.0, 6.0])

    def _live(self, candidate: Candidate) -> None:
        state = candidate.core.state
        if state is State.IDLE:
            self.world.call(candidate, "campaign")
        elif state is State.LOST or (state is State.DRAINING and self.random.random() < 0.5):
            self.world.call(candidate, "body_ended")
        elif self.random.random() < 0.04:
            self.world.call(candidate, "resign")
        elif self.random.random() < 0.02:
            self.world.call(candidate, self.random.choice(["refresh", "fail"]))
        candidate.paused = self.random.random() < 0.05

    def _meddle(self, candidate: Candidate, *, deletions: bool) -> None:
        dice = self.random.random()
        if candidate.pending is not None and dice < 0.55:
            self.world.deliver(candidate)
        elif candidate.pending is not None and dice < 0.8:
            if self.random.random() < 0.4:
                self.world.apply(candidate)
            refused = not candidate.applied and self.random.random() < 0.2
            wait_s = self.random.choice([0.0, 0.0, 20.0])
            self.world.fail(candidate, refused=refused, retry_after_s=wait_s)
        elif candidate.limbo and dice < 0.9:
            self.world.land(candidate, self.random.choice(list(candidate.limbo)))
        elif dice < 0.92 and self.world.store.head.record is not None:
            self.world.touch()
        elif deletions and dice < 0.95 and self.world.store.head.record is not None:
            self.world.delete()
        elif self.random.random() < 0.7:
            lag = self.random.choice([0, 0, 0, 1, 2])
            self.world.tell(candidate, self.world.store.history[max(0, self.world.store.version - lag)])

    def _heal(self) -> None:
        for candidate in self.world.candidates.values():
            candidate.paused = False
            candidate.limbo.clear()
            candidate.watched = self.world.store.version
            self._reconnect(candidate)
        self._demand_a_leader()
        self._crash(self._leaders()[0])
        self._demand_a_leader()

    def _reconnect(self, candidate: Candidate) -> None:
        self.world.connect(candidate, 0.01)
        if candidate.pending is not None:
            self.world.deliver(candidate)
        self.world.call(candidate, "refresh")

    def _crash(self, candidate: Candidate) -> None:
        """Cut a leader off for good: another one takes over when its lease has run out."""
        self.world.disconnect(candidate)

    def _demand_a_leader(self) -> None:
        longest = max(c.core.timing.lease_duration for c in self.world.candidates.values())
        for _ in range(int(4 * longest)):
            for candidate in self.world.candidates.values():
                self._go_on(candidate)
            self.world.advance(self.world.now + 1, check=self.check)
        assert len(self._leaders()) == 1, f"seed {self.seed}: {self._leaders()} lead after all was healed"

    def _go_on(self, candidate: Candidate) -> None:
        if candidate.core.state in (State.LOST, State.DRAINING):
            self.world.call(candidate, "body_ended")
        if candidate.core.state is State.IDLE:
            self.world.call(candidate, "campaign")

    def _leaders(self) -> list[Candidate]:
        return [c for c in self.world.candidates.values() if self._is_valid(c)]


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_never_two_leaders_without_deletions(seed: int) -> None:
    Run(seed, "create").play(120, deletions=False)


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_never_two_leaders_across_deletions_where_creators_wait(seed: int) -> None:
    Run(seed, "wait").play(120, deletions=True)


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_tokens_rise_and_life_goes_on_across_deletions(seed: int) -> None:
    Run(seed, "create", strict=False).play(120, deletions=True)
