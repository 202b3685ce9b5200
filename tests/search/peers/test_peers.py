"""The peers' lease has one owner in any order of events; whatever is weaker is caught.

The shortest way to two owners is kept in found/ as a transcript; REWRITE_TRANSCRIPTS=1 writes them anew, for
review.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.search.peers.cases import CAUGHT, HARMLESS, SHORT
from tests.search.peers.numbers import MASK, Numbers
from tests.search.peers.scene import Play, Step
from tests.search.peers.search import search
from tests.search.peers.setting import Setting
from tests.search.peers.transcript import transcript

FOUND = Path(__file__).parent / "found"


@pytest.mark.parametrize("name", SHORT)
def test_no_order_of_events_makes_two_owners(name: str) -> None:
    result = search(SHORT[name])
    assert result.violation is None, result.violation
    assert result.complete
    assert result.terms


@pytest.mark.parametrize("name", CAUGHT)
def test_what_is_weaker_is_caught_by_the_shortest_way(name: str) -> None:
    case, kept = CAUGHT[name], FOUND / f"{name}.txt"
    result = search(case.setting, most_states=case.states)
    assert result.violation is not None
    text = f"# {case.why}\n{result.violation}"
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        kept.write_text(text)
    else:
        assert kept.read_text() == text


def test_all_that_is_kept_was_found() -> None:
    assert {path.stem for path in FOUND.glob("*.txt")} == set(CAUGHT)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_could_as_well_be_otherwise_makes_no_two_owners(name: str) -> None:
    result = search(HARMLESS[name])
    assert result.violation is None, result.violation
    assert result.complete
    assert result.terms


def test_a_lease_is_extended_taken_over_and_given_back() -> None:
    extended = search(Setting(prepares=(2, 1), leases=(1, 1), releases=(1, 0)))
    assert extended.extensions
    once = search(Setting(prepares=(1, 1), leases=(1, 1), rounds=1))
    assert extended.terms > once.terms


def test_a_bounded_search_says_so() -> None:
    told: list[int] = []
    result = search(Setting(), most_states=100, progress=lambda result: told.append(result.depth))
    assert (result.states, result.complete) == (100, False)
    assert told == list(range(1, result.depth))


def test_more_parts_than_numbers_are_refused() -> None:
    numbers = Numbers()
    numbers.values = [None] * (MASK + 1)
    with pytest.raises(OverflowError, match="choose a smaller setting"):
        numbers.of("one more")


def test_a_transcript_is_of_what_can_happen() -> None:
    setting = Setting()
    with pytest.raises(ValueError, match=r"step 1 of 1, .*: nothing is wrong"):
        transcript(setting, [Step("prepare", 0, 1)])
    with pytest.raises(ValueError, match=r"step 1 of 1, .*release.*: nothing is wrong"):
        transcript(setting, [Step("release")])
    sent = Play(setting).after(Play(setting).first(), Step("prepare", 0, 1)).mail  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="was never sent"):
        transcript(setting, [Step(*next(iter(sent)))])
