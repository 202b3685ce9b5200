"""Random bad days with fresh seeds: no rule of the contract is broken, and leadership comes back.

SEEDS=n plays more of them. A failure names its seed; ``tenure simulate --seed=N`` replays and shrinks it.
"""

from __future__ import annotations

import os
import random

import pytest

from tenure.testing.cluster import ViolationError
from tenure.testing.scenario import Scenario
from tenure.testing.trial import try_scenario

FIRST = random.SystemRandom().randrange(10**9)
SEEDS = int(os.environ.get("SEEDS", "200"))


@pytest.mark.parametrize("number", range(SEEDS))
def test_no_rule_is_broken(number: int) -> None:
    scenario = Scenario.random(FIRST + number)
    try:
        figures = try_scenario(scenario)
    except ViolationError as violation:
        pytest.fail(f"{violation}\ntenure simulate --seed={scenario.seed}")
    assert figures.acts == len(scenario.acts)
