"""Sabotaged cores are found, by the shortest path; it is kept in found/ as a transcript.

REWRITE_TRANSCRIPTS=1 writes them anew, for review.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from tenure.testing.search import search
from tenure.testing.transcript import rewritten
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


@pytest.mark.parametrize("name", CASES)
def test_what_was_found_breaks_a_sentence_in_a_transcript_too(name: str) -> None:
    text = (FOUND / f"{name}.txt").read_text()
    shown = rewritten(text, VARIANTS[name].core, VARIANTS[name].clock)
    assert "VIOLATION: " in shown
    assert ("TWO LEADERS: " in text.splitlines()[0]) == ("s TWO LEADERS: " in shown)


def test_every_variant_is_searched_or_said_to_be_out_of_reach() -> None:
    assert set(CASES) | set(INEXPRESSIBLE) == set(VARIANTS)
    assert not set(CASES) & set(INEXPRESSIBLE)
    assert {path.stem for path in FOUND.glob("*.txt")} == set(CASES)
