"""A failing scenario becomes a short one, and that a transcript which shows the same to any eye."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tenure.election import Election
from tenure.requests import Request
from tenure.testing.cluster import ViolationError
from tenure.testing.delta import fewest
from tenure.testing.scenario import Scenario
from tenure.testing.shrink import Shrinker
from tenure.testing.transcript import rewritten
from tenure.testing.trial import try_scenario
from tenure.testing.world import Core
from tests.sabotage.variants import VARIANTS


class Raises(Election):
    """Has not thought of an answer that does not come."""

    def receive_failure(self, request: Request, now: float, **how: Any) -> None:
        raise KeyError("no answer")


class Refuses(Election):
    """The same with the error that a transcript shows for commands that make no sense."""

    def receive_failure(self, request: Request, now: float, **how: Any) -> None:
        raise RuntimeError(f"no answer at {now}")


class Lazy(Election):
    """Never asks for anything."""

    def requests_to_send(self, now: float) -> list[Request]:
        return []

    def get_timer(self) -> float | None:
        return None


def failing(core: Callable[..., Core]) -> tuple[Scenario, ViolationError]:
    """Return the first scenario that fails before all is healed, and how."""
    for seed in range(1000):
        scenario = Scenario.random(seed)
        try:
            try_scenario(scenario, core=core)
        except ViolationError as violation:
            if violation.at < scenario.seconds and len(scenario.acts) > 10:
                return scenario, violation
    raise AssertionError("no seed fails")


def commands(transcript: str) -> list[str]:
    blocks = [block.partition("\n----")[0].splitlines() for block in transcript.split("\n\n")]
    return [line for block in blocks for line in block if not line.startswith("#")]


@pytest.mark.parametrize("name", ["credited_to_the_latest", "deletion_is_free", "another_incarnation"])
def test_a_sabotaged_core_is_shown_in_few_steps(name: str) -> None:
    core = VARIANTS[name].core
    scenario, violation = failing(core)
    shrinker = Shrinker(scenario, violation, core=core)
    short = shrinker.scenario()
    assert len(short.acts) < len(scenario.acts) / 2
    assert len(short.members) <= len(scenario.members)
    assert short.seconds <= scenario.seconds
    with pytest.raises(ViolationError) as again:
        try_scenario(short, core=core)
    assert again.value.kind == violation.kind

    transcript = shrinker.transcript(short)
    assert transcript is not None
    assert transcript.startswith(f"# Found by simulation, seed {scenario.seed}: {violation.kind}.\n")
    assert len(commands(transcript)) < 60
    assert re.search(rf"^[\d.]+s VIOLATION: {re.escape(violation.kind)}: ", transcript, re.MULTILINE)
    assert rewritten(transcript, core) == transcript
    assert "VIOLATION" not in rewritten(transcript)


@pytest.mark.parametrize(("core", "error"), [(Raises, "KeyError"), (Refuses, "RuntimeError")])
def test_an_error_inside_a_core_is_a_violation(core: type[Core], error: str) -> None:
    scenario, violation = failing(core)
    assert violation.kind == f"failed with {error}"
    shrinker = Shrinker(scenario, violation, core=core)
    short = shrinker.scenario()
    assert len(short.acts) <= 2
    transcript = shrinker.transcript(short)
    assert transcript is not None
    assert re.search(rf"VIOLATION: failed with {error}: '?no answer", transcript)
    assert [command.split()[0] for command in commands(transcript)][-1] in ("lose", "refuse")
    assert len(commands(transcript)) < 10


def test_what_only_a_whole_trial_shows_has_no_transcript() -> None:
    scenario = Scenario.random(1, seconds=20)
    with pytest.raises(ViolationError, match="no leader") as found:
        try_scenario(scenario, core=Lazy)
    shrinker = Shrinker(scenario, found.value, core=Lazy)
    short = shrinker.scenario()
    assert not short.acts
    assert len(short.members) == 1
    assert shrinker.transcript(short) is None


def test_without_a_budget_everything_stays() -> None:
    core = VARIANTS["deletion_is_free"].core
    scenario, violation = failing(core)
    shrinker = Shrinker(scenario, violation, core=core, budget_s=0.0)
    short = shrinker.scenario()
    assert short.members == scenario.members
    assert short.acts == tuple(act for act in scenario.acts if act.at <= violation.at)


@pytest.mark.parametrize("needed", [[], [0], [99], [3, 50, 51, 98], list(range(100))])
def test_delta_debugging_keeps_what_is_needed(needed: list[int]) -> None:
    def attempt(items: list[int]) -> list[int] | None:
        return items if set(needed) <= set(items) else None

    assert fewest(range(100), attempt) == needed
