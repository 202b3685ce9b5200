"""Every way to break peers is caught in random scenarios, which production passes.

The scenarios are those of the first seeds: one run is like the other.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import pytest

from tenure.testing.cluster import ViolationError
from tenure.testing.peers.scenario import PeerScenario
from tenure.testing.peers.trial import try_peers
from tests.testing import broken_peers
from tests.testing.broken_peers import build


class Variant(NamedTuple):
    """A broken part, the kind of violation that it ends with, and within how many scenarios that comes."""

    broken: type
    kind: str  # empty: any
    seeds: int
    hybrid: bool | None = None  # None: in some scenarios


_TWO_VALID = "two valid terms"

VARIANTS = [
    Variant(broken_peers.NeverSilent, _TWO_VALID, 120),
    Variant(broken_peers.ReleasesAnything, _TWO_VALID, 80),
    Variant(broken_peers.PromisesWhatIsHeld, _TWO_VALID, 10),
    Variant(broken_peers.CountsHalf, _TWO_VALID, 20),
    Variant(broken_peers.CountsFromPropose, "valid after s+D", 1),
    Variant(broken_peers.CountsFromAccept, "valid after s+D", 1),
    Variant(broken_peers.NeedsHalf, "valid after s+D", 1),
    Variant(broken_peers.ForgetsThePrevious, _TWO_VALID, 60),
    Variant(broken_peers.NoFloor, "tokens do not rise", 10, hybrid=False),
    Variant(broken_peers.ExtendsWhatIsGivenBack, "sent after the end", 10),
    Variant(broken_peers.ExtendsWhatIsLost, "", 10),
    Variant(broken_peers.FreesWhileTheBodyRuns, "freed while the body runs", 3),
    Variant(broken_peers.DrainsWithoutExtension, "lost untried", 20),
    Variant(broken_peers.CampaignsWhileTheBodyRuns, "the old body runs", 5),
    Variant(broken_peers.LeadsBeforeItIsRegistered, "a token of its own making", 2, hybrid=True),
    Variant(broken_peers.LeadsOnAnOldWrite, "", 10, hybrid=True),
    Variant(broken_peers.LeadsWithoutAToken, "a token of its own making", 10, hybrid=True),
    Variant(broken_peers.RegistersWithoutTheLease, "begun after its end", 30, hybrid=True),
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.broken.__name__)
def test_it_is_caught_where_production_is_not(variant: Variant) -> None:
    scenario, violation = _caught(variant)
    assert variant.kind in ("", violation.kind)
    try_peers(scenario)


def _caught(variant: Variant) -> tuple[PeerScenario, ViolationError]:
    core = partial(build, variant.broken)
    for seed in range(1, variant.seeds + 1):
        scenario = PeerScenario.random(seed, hybrid=variant.hybrid)
        try:
            scenario.play(scenario.cluster(core=core))
        except ViolationError as violation:
            return scenario, violation
    pytest.fail(f"it passes {variant.seeds} random scenarios: {variant.broken.__doc__}")
