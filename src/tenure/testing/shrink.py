"""Shrink: make a scenario that breaks the contract short, and write it down as a transcript."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tenure.election import Election
from tenure.testing.cluster import ViolationError
from tenure.testing.delta import fewest
from tenure.testing.machine import MachineClock
from tenure.testing.recording import Recording
from tenure.testing.scenario import Act, Scenario
from tenure.testing.short_transcript import ShortTranscript
from tenure.testing.trial import try_scenario
from tenure.testing.world import Core

__all__ = ["Shrinker"]

# Whatever is left out, all latencies after it are others: with so many more seeds it is tried again.
_SEEDS = 4


class Shrinker:
    """Shrinks one failure.

    Args:
        scenario: that fails.
        violation: how.
        core: makes the candidates.
        clock: makes the clocks.
        trial: plays a scenario to its end, and demands what is to be demanded then.
        budget_s: seconds of processor time to spend on the scenario, and again on its transcript; the best so
            far counts then.
    """

    def __init__(
        self,
        scenario: Scenario,
        violation: ViolationError,
        *,
        core: Callable[..., Core] = Election,
        clock: Callable[..., MachineClock] = MachineClock,
        trial: Callable[..., object] = try_scenario,
        budget_s: float = 10.0,
    ) -> None:
        self._scenario = scenario
        self._violation = violation
        self._core = core
        self._clock = clock
        self._trial = trial
        self._budget_s = budget_s
        self._ends_at = 0.0
        self._seeds = 1
        # Else what is demanded when all is healed has failed.
        self._in_play = violation.at <= scenario.seconds

    def scenario(self) -> Scenario:
        """Return the shortest scenario found that breaks the same sentence."""
        self._ends_at = time.process_time() + self._budget_s
        best = self._until(self._scenario, self._violation)
        for self._seeds in (1, _SEEDS):
            length = math.inf
            while len(best.acts) + len(best.members) < length:
                length = len(best.acts) + len(best.members)
                for shorten in (self._fewest_acts, self._fewest_members, self._sooner):
                    best = shorten(best)
        return self._plainer(best)

    def transcript(self, scenario: Scenario) -> str | None:
        """Return a transcript in which the same sentence is broken.

        None: it shows only in a whole trial, as a leader that does not come does, or its steps alone do not
        show it.
        """
        recording = Recording(self._core)
        violation = self._play(scenario, core=recording.core, make_world=recording.world)
        if violation is None:
            return None
        short = ShortTranscript(violation, core=self._core, clock=self._clock, budget_s=self._budget_s)
        heading = f"Found by simulation, seed {self._scenario.seed}: {violation.kind}."
        return short.text(recording.commands, heading)

    # ---- ways to shorten

    def _fewest_acts(self, scenario: Scenario) -> Scenario:
        best = scenario

        def attempt(acts: list[Act]) -> list[Act] | None:
            nonlocal best
            best = self._failing(replace(best, acts=tuple(acts))) or best
            return list(best.acts) if len(best.acts) <= len(acts) else None

        fewest(scenario.acts, attempt)
        return best

    def _fewest_members(self, scenario: Scenario) -> Scenario:
        best = scenario
        for member in scenario.members:
            members = tuple(each for each in best.members if each is not member)
            acts = tuple(act for act in best.acts if member.name not in _involved(act))
            best = self._failing(replace(best, members=members, acts=acts)) or best
        return best

    def _sooner(self, scenario: Scenario) -> Scenario:
        """Let things happen sooner, so that there is less to tell of quiet times."""
        lease, number = scenario.longest_lease, 0
        while number < len(scenario.acts):
            begin = scenario.acts[number - 1].at if number else 0.0
            gap = scenario.acts[number].at - begin
            for shorter in (1.0, lease / 2, lease, 2 * lease, math.ceil(gap)):
                if shorter != gap and (sooner := self._failing(_moved(scenario, number, shorter - gap))):
                    scenario = sooner
                    break
            number += 1
        return scenario

    def _plainer(self, scenario: Scenario) -> Scenario:
        """Let clocks show true time, and processes bear their own names."""
        for name in [member.name for member in scenario.members]:
            for change in ({"offset": 0.0}, {"rate": 1.0}, {"identity": ""}):
                members = tuple(
                    replace(each, **change) if each.name == name else each for each in scenario.members
                )
                if members != scenario.members:
                    scenario = self._failing(replace(scenario, members=members)) or scenario
        return scenario

    # ---- what a scenario does

    def _failing(self, scenario: Scenario) -> Scenario | None:
        """Return it, as far as it is needed, if it breaks the same sentence."""
        for seed in range(scenario.seed, scenario.seed + self._seeds):
            if time.process_time() >= self._ends_at or not scenario.members:
                return None
            again = replace(scenario, seed=seed, seconds=self._long_enough(scenario))
            violation = self._play(again, core=self._core)
            if violation is not None and violation.kind == self._violation.kind:
                return self._until(again, violation)
        return None

    def _long_enough(self, scenario: Scenario) -> float:
        """Let it show the same somewhat later, but not later than it did at first."""
        return min(scenario.seconds + scenario.longest_lease, self._scenario.seconds)

    def _until(self, scenario: Scenario, violation: ViolationError) -> Scenario:
        """End it when the sentence is broken."""
        if not self._in_play:
            return scenario
        acts = tuple(act for act in scenario.acts if act.at <= violation.at)
        return replace(scenario, acts=acts, seconds=math.ceil(violation.at * 1000) / 1000)

    def _play(self, scenario: Scenario, **made_by: Any) -> ViolationError | None:
        if not self._in_play:
            try:
                self._trial(scenario, clock=self._clock, **made_by)
            except ViolationError as violation:
                return violation
            return None
        cluster = scenario.cluster(clock=self._clock, **made_by)
        try:
            scenario.play(cluster)
        except ViolationError as violation:
            return violation
        except Exception as error:
            return ViolationError(cluster.now, f"failed with {type(error).__name__}: {error}", 0)
        return None


def _involved(act: Act) -> list[str]:
    """Return the processes that an act cannot do without."""
    options = act.options
    return [options.get("name", ""), options.get("other", ""), *options.get("names", ())]


def _moved(scenario: Scenario, number: int, by_s: float) -> Scenario:
    """Let an act and all after it happen so much later."""
    acts = list(scenario.acts)
    acts[number:] = [replace(act, at=round(act.at + by_s, 3)) for act in acts[number:]]
    return replace(scenario, acts=tuple(acts), seconds=scenario.seconds + max(by_s, 0.0))
