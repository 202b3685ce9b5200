"""Turn: who goes first, by how much, and when a try that failed is followed by the next."""

from __future__ import annotations

import pytest

from tenure.handover import Preference
from tenure.peer.hearsay import Hearsay
from tenure.peer.membership import Membership
from tenure.peer.messages import Envelope, Leading, Ping
from tenure.peer.turn import Turn
from tenure.timing import Timing

TIMING = Timing(lease_duration=2.0)
HEAD_START = TIMING.head_start
FREE_AT = 2.5


def said_by(name: str, *, priority: int = 0, eligible: bool = True) -> Envelope:
    return Envelope(
        sender=name,
        incarnation=name.encode(),
        epoch=0,
        highest=0,
        priority=priority,
        eligible=eligible,
        body=Ping(1),
    )


def members(*others: Envelope) -> Membership:
    membership = Membership("m", 0.5, 0.0)
    for envelope in others:
        membership.hear(envelope, (envelope.sender, 7), 0.0)
    return membership


def turn(*, priority: int = 0, draw: float = 0.0, timing: Timing = TIMING) -> Turn:
    return Turn("m", timing, Preference(priority=priority), lambda: draw)


def free(*, former: str = "", heir: str = "") -> Hearsay:
    hearsay = Hearsay(FREE_AT)
    if former:
        hearsay.give_up(former, heir, FREE_AT, 2.0)
    return hearsay


def test_while_a_leader_is_heard_of_its_lease_is_waited_for() -> None:
    hearsay = Hearsay(0.0)
    envelope = said_by("a")
    hearsay.hear_leading(envelope, Leading(1, 2.0), 1.0)
    assert turn().starts_at(hearsay, members(envelope)) == 3.0


def test_candidates_that_know_nothing_of_each_other_start_a_little_apart() -> None:
    assert turn(draw=1.0).starts_at(free(), members()) == FREE_AT + 0.01


def test_each_that_is_heavier_goes_first_and_of_equals_the_first_name() -> None:
    for others, queue in (
        ([], 0),
        ([said_by("a", priority=5)], 0),
        ([said_by("a", priority=7)], 1),
        ([said_by("x", priority=6)], 0),
        ([said_by("a", priority=6)], 1),
        ([said_by("a", priority=6), said_by("x", priority=9)], 2),
    ):
        assert turn(priority=6).starts_at(free(), members(*others)) == FREE_AT + queue * HEAD_START


def test_no_more_than_three_are_waited_for() -> None:
    others = [said_by(name) for name in "abcdef"]
    assert turn().starts_at(free(), members(*others)) == FREE_AT + 3 * HEAD_START


def test_nobody_waits_for_those_that_cannot_lead() -> None:
    membership = members(said_by("a", eligible=False), said_by("b"), said_by("c"))
    membership.part("b")
    assert turn().starts_at(free(former="c"), membership) == FREE_AT


def test_an_heir_waits_for_nobody_and_the_others_one_head_start_longer() -> None:
    others = members(said_by("a"))
    assert turn(draw=1.0).starts_at(free(former="l", heir="m"), others) == FREE_AT
    assert turn().starts_at(free(former="l", heir="a"), others) == FREE_AT + 2 * HEAD_START


def test_an_heir_has_no_head_start_once_the_place_was_free_for_long() -> None:
    hearsay = free(former="l", heir="m")
    hearsay.expire(FREE_AT + 2.0)
    assert turn().starts_at(hearsay, members(said_by("a"))) == FREE_AT + HEAD_START


def test_who_gave_up_yields_to_the_others_if_there_are_any() -> None:
    heaviest = turn(priority=9)
    assert heaviest.starts_at(free(former="m"), members(said_by("x"))) == FREE_AT + HEAD_START
    assert heaviest.starts_at(free(former="m"), members()) == FREE_AT


def test_a_try_that_was_refused_is_followed_by_another_after_a_random_while() -> None:
    mine = turn(draw=0.5)
    mine.failed(10.0)
    assert mine.retry_at == pytest.approx(10.05)
    assert mine.starts_at(free(), members()) == mine.retry_at
    mine.succeeded()
    assert mine.starts_at(free(), members()) < 10.0


def test_a_try_that_was_not_answered_in_time_gives_the_next_more_time_until_one_succeeds() -> None:
    mine = turn(draw=0.5)
    assert mine.patience_s == pytest.approx(0.2)
    seen = []
    for _ in range(3):
        mine.ran_out(10.0)
        seen.append(mine.patience_s)
    assert seen == pytest.approx([0.4, 0.6, 0.6])
    assert mine.retry_at == pytest.approx(10.05)
    mine.succeeded()
    assert mine.patience_s == pytest.approx(0.2)


def test_no_try_takes_longer_than_its_term_would_be_valid() -> None:
    mine = turn(timing=Timing(lease_duration=2.0, renew_deadline=0.3, renew_period=0.1, retry_period=0.1))
    for _ in range(9):
        mine.ran_out(10.0)
        assert mine.patience_s < 0.3


def test_who_cannot_make_use_of_the_lease_stands_back_for_a_whole_one() -> None:
    mine = turn()
    mine.stand_back(10.0)
    assert mine.retry_at == 12.0
