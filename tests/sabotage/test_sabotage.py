"""The transcript of every sabotaged core shows what it breaks, and under production it shows nothing of it.

A transcript shows what comes out of the sabotaged core; REWRITE_TRANSCRIPTS=1 writes it anew, for review.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tenure.testing.transcript import rewritten
from tests.sabotage.variants import VARIANTS, Variant

TRANSCRIPTS = Path(__file__).parent / "transcripts"
SHOWN = {name: variant for name, variant in VARIANTS.items() if variant.violations}

_VIOLATION = re.compile(r"^\S+ VIOLATION: ([^:]+)", re.MULTILINE)


@pytest.fixture(params=list(SHOWN.values()), ids=list(SHOWN))
def variant(request: pytest.FixtureRequest) -> Variant:
    given: Variant = request.param
    return given


@pytest.fixture
def text(variant: Variant) -> str:
    return (TRANSCRIPTS / f"{variant.name}.txt").read_text()


def test_the_transcript_shows_the_violation_and_no_other(variant: Variant, text: str) -> None:
    now = rewritten(text, variant.core, variant.clock)
    assert tuple(dict.fromkeys(_VIOLATION.findall(now))) == variant.violations
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        (TRANSCRIPTS / f"{variant.name}.txt").write_text(now)
    else:
        assert text == now


def test_production_shows_none_under_the_same_commands(text: str) -> None:
    now = rewritten(text)
    assert "VIOLATION" not in now
    assert "error:" not in now


def test_the_transcript_says_which_rule_is_broken(variant: Variant, text: str) -> None:
    assert text.startswith(f"# Rule {variant.rule}: ")


def test_creators_wait_in_the_transcripts_of_variants_that_need_it(variant: Variant, text: str) -> None:
    waits = [("on_missing=wait" in line) for line in text.splitlines() if line.startswith("candidate ")]
    assert waits
    assert all(waits) == any(waits) == (variant.on_missing == "wait")


def test_every_transcript_belongs_to_a_variant() -> None:
    assert {path.stem for path in TRANSCRIPTS.glob("*.txt")} == set(SHOWN)
