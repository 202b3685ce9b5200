"""Sabotaged cores are found, by the shortest path; it is kept in found/ as a transcript.

REWRITE_TRANSCRIPTS=1 writes them anew, for review.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from tenure.testing.search import search
from tests.sabotage.stage import Stage
from tests.sabotage.variants import VARIANTS
from tests.search.cases import CASES, INEXPRESSIBLE

FOUND = Path(__file__).parent / "found"


@pytest.mark.parametrize("name", CASES)
def test_a_sabotaged_core_is_found_by_the_shortest_path(name: str) -> None:
    case, kept = CASES[name], FOUND / f"{name}.txt"
    given = {field.name: getattr(case, field.name) for field in dataclasses.fields(case)}
    result = search(VARIANTS[name].core, **given)
    assert result.violation is not None
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        kept.write_text(result.violation)
    else:
        assert kept.read_text() == result.violation


# A token that is no version is harm as soon as it is told; that judge waits until one falls.
@pytest.mark.parametrize("name", sorted(set(CASES) - {"token_from_transitions"}))
def test_what_was_found_does_harm_in_the_eyes_of_another_judge(name: str) -> None:
    text = (FOUND / f"{name}.txt").read_text()
    variant = VARIANTS[name]
    stage = Stage(variant.core, variant.clock)
    shown = stage.play(text)
    assert stage.judge.found
    assert ("TWO LEADERS: " in text.splitlines()[0]) == ("s TWO LEADERS: " in shown)


def test_every_variant_is_searched_or_said_to_be_out_of_reach() -> None:
    assert set(CASES) | set(INEXPRESSIBLE) == set(VARIANTS)
    assert not set(CASES) & set(INEXPRESSIBLE)
    assert {path.stem for path in FOUND.glob("*.txt")} == set(CASES)
