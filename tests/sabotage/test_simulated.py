"""Every sabotaged core is caught in random scenarios, which production passes.

The scenarios are those of the first seeds: one run is like the other.
"""

from __future__ import annotations

import pytest

from tenure.testing.cluster import ViolationError
from tenure.testing.scenario import Scenario
from tenure.testing.trial import try_scenario
from tests.sabotage.variants import VARIANTS, Variant

PLAYED = {name: variant for name, variant in VARIANTS.items() if not variant.unplayed}
FIRST_SEED = 1


@pytest.mark.parametrize("variant", PLAYED.values(), ids=PLAYED)
def test_it_is_caught_where_production_is_not(variant: Variant) -> None:
    scenario, violation = _caught(variant)
    assert variant.trial in ("", violation.kind)
    try_scenario(scenario)


def _caught(variant: Variant) -> tuple[Scenario, ViolationError]:
    for seed in range(FIRST_SEED, FIRST_SEED + variant.seeds):
        scenario = Scenario.random(seed)
        if variant.on_missing == "wait" and scenario.on_missing != "wait":
            continue  # there it does what production does
        try:
            try_scenario(scenario, core=variant.core, clock=variant.clock)
        except ViolationError as violation:
            return scenario, violation
    pytest.fail(f"{variant.name} passes {variant.seeds} random scenarios: {variant.why}")


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_is_caught_somewhere(variant: Variant) -> None:
    """By its transcript, by random scenarios, or by both."""
    assert variant.violations or not variant.unplayed
