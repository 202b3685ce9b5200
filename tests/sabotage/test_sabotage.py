"""Every sabotaged core does its harm under the commands of its transcript, and production does none.

A transcript shows what comes out of the sabotaged core; REWRITE_TRANSCRIPTS=1 writes it anew, for review.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tenure.election import Election
from tenure.testing.machine import MachineClock
from tests.sabotage.stage import Stage
from tests.sabotage.variants import VARIANTS, Variant

TRANSCRIPTS = Path(__file__).parent / "transcripts"


@pytest.fixture(params=list(VARIANTS.values()), ids=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> Variant:
    given: Variant = request.param
    return given


@pytest.fixture
def text(variant: Variant) -> str:
    return (TRANSCRIPTS / f"{variant.name}.txt").read_text()


def test_the_sabotaged_core_does_harm(variant: Variant, text: str) -> None:
    stage = Stage(variant.core, variant.clock)
    now = stage.play(text)
    assert variant.harm in stage.judge.found
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        (TRANSCRIPTS / f"{variant.name}.txt").write_text(now)
    else:
        assert text == now


def test_production_does_none_under_the_same_commands(text: str) -> None:
    stage = Stage(Election, MachineClock)
    assert "error:" not in stage.play(text)
    assert stage.judge.found == []


def test_the_transcript_says_which_rule_is_broken(variant: Variant, text: str) -> None:
    assert text.startswith(f"# Rule {variant.rule}: ")


def test_creators_wait_in_the_transcripts_of_variants_that_need_it(variant: Variant, text: str) -> None:
    waits = [("on_missing=wait" in line) for line in text.splitlines() if line.startswith("candidate ")]
    assert waits
    assert all(waits) == any(waits) == (variant.on_missing == "wait")


def test_every_transcript_belongs_to_a_variant() -> None:
    assert {path.stem for path in TRANSCRIPTS.glob("*.txt")} == set(VARIANTS)
