"""Knowledge: which observation counts, and from when on a record may be taken (rules 2, 4 and 8)."""

from __future__ import annotations

import math

import pytest

from tenure.knowledge import Knowledge, News
from tenure.record import Attempt, Record, UnreadableRecord, Versioned
from tenure.timing import Timing

TIMING = Timing(lease_duration=10, clock_rate_bound=0.1)


def _held(
    version: int, holder: str = "a", lease: float | None = 10, uid: str = "u", number: int = 0
) -> Versioned:
    attempt = Attempt(holder, number or version)
    return Versioned(Record(holder=holder, lease_duration=lease, attempt=attempt), version, uid)


def _empty(version: int, uid: str = "u") -> Versioned:
    return Versioned(Record(holder="", attempt=Attempt("x", version)), version, uid)


def _gone(version: int = 0) -> Versioned:
    return Versioned(None, version)


def _unreadable(version: int, uid: str = "u") -> Versioned:
    return Versioned(UnreadableRecord("not JSON"), version, uid)


def _knowing(*facts: tuple[float, Versioned]) -> Knowledge:
    knowledge = Knowledge(TIMING)
    for now, seen in facts:
        knowledge.observe(seen, now, asked_knowing=knowledge.high_water)
    return knowledge


def test_nothing_is_known_at_first() -> None:
    knowledge = Knowledge(TIMING)
    assert (knowledge.newest, knowledge.high_water, knowledge.free_at) == (None, -1, -math.inf)


FREE_AT = {
    "absent from the start": ([(5, _gone())], -math.inf),
    "empty from the start": ([(5, _empty(1))], -math.inf),
    "held": ([(5, _held(1))], 16),
    "held with a duration of its own": ([(5, _held(1, lease=20))], 27),
    "held without a duration": ([(5, _held(1, lease=None))], 16),
    "held for ever": ([(5, _held(1, lease=math.inf))], math.inf),
    "renewed": ([(5, _held(1)), (8, _held(2))], 19),
    "touched by others": ([(5, _held(1)), (8, _held(2, number=1))], 16),
    "shortened by its holder": ([(5, _held(1, lease=60)), (8, _held(2, lease=1))], 9.1),
    "overwritten while its holder may live": ([(5, _held(1, lease=60)), (8, _held(2, "b", lease=1))], 71),
    "overwritten, and written once more": (
        [(5, _held(1, lease=60)), (6, _held(2, "b", lease=1)), (7, _held(3, "b", lease=1))],
        71,
    ),
    "released": ([(5, _held(1)), (6, _empty(2))], -math.inf),
    "released, then deleted": ([(5, _held(1)), (6, _empty(2)), (7, _gone(3))], -math.inf),
    "deleted": ([(5, _held(1)), (6, _gone(2))], 16),
    "deleted and created empty": ([(5, _held(1)), (6, _empty(3, "v"))], 16),
    "created empty and written again": ([(5, _held(1)), (6, _empty(3, "v")), (7, _empty(4, "v"))], 16),
    "created anew by another": ([(5, _held(1, lease=60)), (6, _held(3, "b", uid="v"))], 71),
    "endless, then deleted": ([(5, _held(1, lease=math.inf)), (6, _gone(2))], -math.inf),
    "endless, then created empty": ([(5, _held(1, lease=math.inf)), (6, _empty(3, "v"))], -math.inf),
    "endless, then held": ([(5, _held(1, lease=math.inf)), (6, _held(2, "b"))], 17),
    "unreadable": ([(5, _unreadable(1))], math.inf),
    "unreadable, then emptied": ([(5, _unreadable(1)), (6, _empty(2))], -math.inf),
    "unreadable, then deleted": ([(5, _unreadable(1)), (6, _gone(2))], 16),
    "unreadable, then created empty": ([(5, _unreadable(1)), (6, _empty(3, "v"))], 16),
    "unreadable after a long lease, deleted": (
        [(5, _held(1, lease=60)), (6, _unreadable(2)), (7, _gone(3))],
        72,
    ),
    "unreadable after a long lease, then overwritten": (
        [(5, _held(1, lease=60)), (6, _unreadable(2)), (7, _held(3, "b", lease=1))],
        71,
    ),
    "history reset": ([(5, _held(7)), (6, _held(3))], 17),
    "history reset to an empty record": ([(5, _held(7)), (6, _empty(3))], 17),
    "history reset to an endless name": ([(5, _held(7)), (6, _held(3, lease=math.inf))], math.inf),
    "history reset to an endless name, then emptied": (
        [(5, _held(7)), (6, _held(3, lease=math.inf)), (7, _empty(4))],
        17,
    ),
    "history reset, then released": ([(5, _held(7)), (6, _held(3)), (7, _empty(4))], 17),
    "history reset, then written once more": ([(5, _held(7)), (6, _held(3)), (7, _held(4, lease=1))], 17),
    "history reset to an unreadable record, then overwritten": (
        [(5, _held(7)), (6, _unreadable(3)), (7, _held(4, "b", lease=1))],
        17,
    ),
    "history reset after a long lease": ([(5, _held(7, lease=60)), (6, _held(3))], 72),
    "history reset to an unreadable record": ([(5, _held(7)), (6, _unreadable(3))], math.inf),
}


@pytest.mark.parametrize("story", FREE_AT)
def test_from_when_on_a_record_may_be_taken(story: str) -> None:
    facts, free_at = FREE_AT[story]
    assert _knowing(*facts).free_at == pytest.approx(free_at)


def test_an_older_version_from_a_watch_is_ignored() -> None:
    knowledge = _knowing((0, _held(7)))
    assert knowledge.observe(_held(6), 1) is News.IGNORED
    assert knowledge.newest == _held(7)


@pytest.mark.parametrize("late", [_gone(), _held(6)])
def test_a_read_that_was_sent_before_the_newest_fact_is_ignored(late: Versioned) -> None:
    knowledge = _knowing((0, _held(5)), (1, _held(7)))
    assert knowledge.observe(late, 2, asked_knowing=5) is News.IGNORED
    assert knowledge.newest == _held(7)


def test_a_404_counts_when_it_was_asked_for_afterwards() -> None:
    knowledge = _knowing((0, _held(7)))
    assert knowledge.observe(_gone(), 1, asked_knowing=7) is News.CHANGED
    assert knowledge.newest == _gone()
    assert knowledge.observe(_held(7), 2) is News.IGNORED  # what a slow watch still tells of it


def test_a_lower_version_that_was_asked_for_afterwards_is_a_reset_history() -> None:
    knowledge = _knowing((0, _held(7)))
    assert knowledge.observe(_held(3), 1, asked_knowing=7) is News.RESET
    assert knowledge.observe(_held(4), 2) is News.CHANGED  # which goes on from there


def test_a_version_that_is_given_out_again_is_a_reset_history() -> None:
    knowledge = _knowing((0, _held(7)))
    assert knowledge.observe(_held(7, "b"), 1) is News.IGNORED  # a watch may be behind
    assert knowledge.observe(_held(7, "b"), 2, asked_knowing=7) is News.RESET
    assert knowledge.newest == _held(7, "b")


def test_the_same_fact_twice_is_no_news() -> None:
    knowledge = _knowing((0, _held(7)))
    assert knowledge.observe(_held(7), 5) is News.SAME
    assert knowledge.changed_at == 0


def test_an_absence_twice_is_no_news() -> None:
    knowledge = _knowing((0, _held(7)), (1, _gone()))
    assert knowledge.observe(_gone(), 5, asked_knowing=7) is News.SAME
    assert knowledge.observe(_gone(8), 6) is News.TOUCHED  # the watch tells when it happened


def test_an_annotator_restarts_nothing() -> None:
    knowledge = _knowing((0, _held(7, number=1)))
    assert knowledge.observe(_held(8, number=1), 5) is News.TOUCHED
    assert (knowledge.changed_at, knowledge.high_water) == (0, 8)


def test_an_onlooker_counts_without_the_clock_rates() -> None:
    assert _knowing((5, _held(1))).stale_at == 15
