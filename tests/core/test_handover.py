"""Handover: whose turn it is, who is known, and what is asked of a leader."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenure.errors import ConfigurationError
from tenure.events import EndingReason
from tenure.handover import MOST_CONTENDERS, Handover, Preference
from tenure.record import Attempt, Contender, Record
from tenure.timing import Timing

TIMING = Timing()
LED = Record(holder="a", lease_duration=15, attempt=Attempt("a", 1))
FREE = Record(holder="", attempt=Attempt("a", 2))


def handover(identity: str = "me", **wishes: object) -> Handover:
    return Handover(identity, TIMING, Preference(**wishes), lambda: 0.5)  # type: ignore[arg-type]


def known(*names: str, priority: int = 5, preempt: bool = False) -> tuple[Contender, ...]:
    return tuple(Contender(name, priority, preempt) for name in names)


@pytest.mark.parametrize(
    ("wishes", "fault"),
    [
        ({"priority": -1}, "priority must be an integer from 0 to 1000, not -1"),
        ({"priority": 1001}, "from 0 to 1000, not 1001"),
        ({"priority": 1.5}, "an integer"),
        ({"preempt": True}, "preempt needs a priority above 0"),
        ({"minimum_tenure": -1.0}, "minimum_tenure must be"),
        ({"minimum_tenure": float("inf")}, "minimum_tenure must be"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(wishes: dict[str, object], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        handover(**wishes)


def test_each_contender_with_a_higher_priority_goes_first_but_no_more_than_three() -> None:
    mine = handover(priority=5)
    for higher, queue in ((), 0), (("b",), 1), (("b", "c"), 2), (("b", "c", "d", "e", "f"), 3):
        named = known(*higher, priority=6) + known("x", priority=5) + known("y", priority=4)
        mine.observe(replace(FREE, contenders=named), 0.0, is_own=False)
        assert mine.head_start_s(replace(FREE, contenders=named)) == queue * TIMING.head_start


def test_neither_the_holder_that_died_nor_oneself_is_waited_for() -> None:
    mine = handover()
    record = replace(LED, contenders=known("a", "me"))
    mine.observe(record, 0.0, is_own=False)
    assert mine.head_start_s(record) == 0.0


def test_an_heir_waits_for_nobody_and_everybody_waits_for_the_heir() -> None:
    mine = handover()
    left_to_me = replace(FREE, hint="me", contenders=known("b"))
    mine.observe(left_to_me, 0.0, is_own=False)
    assert mine.is_heir(left_to_me)
    assert mine.head_start_s(left_to_me) == 0.0
    assert mine.head_start_s(replace(FREE, hint="b")) == 2 * TIMING.head_start


def test_who_gave_up_lets_others_go_first_until_somebody_has_led() -> None:
    mine = handover()
    mine.give_up("")
    assert mine.head_start_s(FREE) == TIMING.head_start
    mine.observe(FREE, 0.0, is_own=False)
    assert mine.head_start_s(FREE) == TIMING.head_start
    mine.observe(LED, 0.0, is_own=False)
    assert mine.head_start_s(FREE) == 0.0


def test_who_cannot_watch_lets_others_go_first_until_they_have_read_the_record() -> None:
    mine = handover()
    mine.polls = True
    assert mine.head_start_s(replace(FREE, hint="b")) == TIMING.retry_period + TIMING.head_start
    assert mine.head_start_s(replace(FREE, hint="me")) == 0.0
    assert mine.head_start_s(FREE) == 0.0


def test_names_outlast_one_roll_call_and_no_second() -> None:
    mine = handover()
    mine.observe(replace(LED, contenders=known("b")), 0.0, is_own=False)
    mine.observe(LED, 5.0, is_own=False)
    assert mine.head_start_s(LED) == TIMING.head_start
    mine.observe(LED, 10.0, is_own=False)
    assert mine.head_start_s(LED) == 0.0


@pytest.mark.parametrize(
    "record",
    [
        None,
        FREE,
        replace(LED, attempt=None),  # by a program that would keep the note for ever
        replace(LED, holder="me"),  # another process of this name
        replace(LED, contenders=known("me")),
    ],
)
def test_there_is_nothing_to_write_there(record: Record | None) -> None:
    assert handover(priority=5).note(record) is None
    assert handover(priority=5).note_at(record) == float("inf")


def test_only_who_has_a_priority_and_is_eligible_writes_its_name() -> None:
    mine = handover(priority=5, preempt=True)
    assert mine.note(LED) == replace(LED, contenders=(Contender("me", 5, True),))
    mine.eligible = False
    assert mine.note(LED) is None
    assert handover().note(LED) is None


def test_a_full_list_takes_a_higher_priority_in_the_place_of_the_lowest() -> None:
    names = [f"n{number}" for number in range(MOST_CONTENDERS)]
    full = replace(LED, contenders=known(*names[1:], priority=5) + known(names[0], priority=4))
    assert handover(priority=4).note(full) is None
    noted = handover(priority=5).note(full)
    assert noted is not None
    assert [each.identity for each in noted.contenders] == [*names[1:], "me"]


def test_a_roll_call_is_answered_after_a_random_while() -> None:
    mine = handover(priority=5)
    mine.observe(replace(LED, contenders=known("me")), 0.0, is_own=False)
    mine.observe(LED, 60.0, is_own=False)
    assert mine.note_at(LED) == 60.0 + TIMING.head_start / 2


def test_a_note_of_which_nothing_is_seen_is_not_written_again_at_once() -> None:
    mine = handover(priority=5)
    mine.observe(LED, 0.0, is_own=False)
    mine.note_sent(1.0)
    mine.observe(LED, 1.1, is_own=False)
    assert mine.note_at(LED) == 1.0 + TIMING.renew_period
    led_by_another = replace(LED, holder="b")
    mine.observe(led_by_another, 1.2, is_own=False)
    assert mine.note_at(led_by_another) < 1.2


def test_a_request_is_a_wish_but_not_for_the_leader_itself() -> None:
    mine = handover()
    assert mine.wish(replace(LED, request="b"), 0.0) == (EndingReason.REQUESTED, "b")
    assert mine.wish(replace(LED, request=""), 0.0) == (EndingReason.REQUESTED, "")
    assert mine.wish(replace(LED, request="me"), 0.0) is None
    assert mine.wish(None, 0.0) is None


def test_the_highest_of_those_that_preempt_is_handed_over_to_after_the_minimum_tenure() -> None:
    mine = handover(priority=5, minimum_tenure=30.0)
    mine.begin(100.0)
    asking = known("b", priority=6, preempt=True) + known("c", priority=7, preempt=True)
    others = known("d", priority=5, preempt=True) + known("e", priority=9)
    assert mine.wish(replace(LED, contenders=asking + others), 129.0) is None
    assert mine.roll_call_at == 130.0
    assert mine.wish(replace(LED, contenders=asking + others), 130.0) == (EndingReason.PREEMPTED, "c")


def test_a_roll_call_that_an_earlier_term_had_in_mind_is_forgotten() -> None:
    mine = handover(minimum_tenure=30.0)
    mine.begin(0.0)
    assert mine.wish(replace(LED, contenders=known("b", preempt=True)), 1.0) is None
    assert mine.roll_call_at == 30.0
    mine.begin(40.0)
    assert mine.roll_call_at == float("inf")


def test_names_that_the_leader_carried_on_itself_ask_for_nothing() -> None:
    mine = handover(minimum_tenure=0.0)
    mine.begin(0.0)
    asking = replace(LED, contenders=known("b", preempt=True))
    assert mine.contenders_to_write(asking, 0.0) == asking.contenders
    assert mine.wish(asking, 1.0) is None
    assert mine.contenders_to_write(LED, 2.0) == ()
    assert mine.wish(asking, 3.0) == (EndingReason.PREEMPTED, "b")


def test_a_leader_carries_all_names_but_its_own() -> None:
    assert handover().contenders_to_write(replace(LED, contenders=known("me", "b")), 0.0) == known("b")
