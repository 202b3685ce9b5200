"""Spread: nothing until contention is met, wide after it, narrower when nobody hurries."""

from __future__ import annotations

from tenure.spread import Spread


def spread_of(width: float) -> Spread:
    spread = Spread()
    spread.contended(width / 4)
    assert spread.width == width
    return spread


def test_without_contention_nobody_waits() -> None:
    spread = Spread()
    spread.seen(10.0)
    spread.won(10.0)
    assert spread.width == 0


def test_a_lost_contest_widens_to_four_times_its_time_or_the_width() -> None:
    spread = spread_of(0.04)
    spread.contended(0.001)
    assert spread.width == 0.16
    spread.contended(0.1)
    assert spread.width == 0.5


def test_the_width_has_a_limit() -> None:
    spread = Spread()
    spread.contended(60.0)
    assert spread.width == 0.5


def test_a_record_that_stays_free_for_long_narrows_until_nothing_is_left() -> None:
    spread = spread_of(0.5)
    widths = []
    while spread.width:
        spread.seen(spread.width / 2)
        widths.append(spread.width)
    assert widths == sorted(widths, reverse=True)


def test_an_unhurried_win_tells_more_than_what_is_seen_of_others() -> None:
    own, others = spread_of(0.3), spread_of(0.3)
    own.won(0.15)
    others.seen(0.15)
    assert own.width < others.width < 0.3


def test_a_record_that_is_taken_early_keeps_the_width() -> None:
    spread = spread_of(0.3)
    spread.seen(0.09)
    spread.won(0.09)
    assert spread.width == 0.3
