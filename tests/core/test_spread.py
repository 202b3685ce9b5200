"""Spread: nothing until contention is met, wide after it, narrower when nobody hurries."""

from __future__ import annotations

from tenure.spread import Spread


def test_without_contention_nobody_waits() -> None:
    spread = Spread()
    spread.uncontended(10.0)
    assert spread.width == 0


def test_a_lost_contest_widens_to_twice_its_time() -> None:
    spread = Spread()
    spread.contended(0.05)
    assert spread.width == 0.1


def test_a_shorter_contest_does_not_narrow() -> None:
    spread = Spread()
    spread.contended(0.05)
    spread.contended(0.001)
    assert spread.width == 0.1


def test_the_width_has_a_limit() -> None:
    spread = Spread()
    spread.contended(60.0)
    assert spread.width == 0.5


def test_a_record_that_stays_free_for_long_narrows_until_nothing_is_left() -> None:
    spread = Spread()
    spread.contended(0.05)
    widths = []
    while spread.width:
        spread.uncontended(spread.width / 2)
        widths.append(spread.width)
    assert widths == sorted(widths, reverse=True)
    assert len(widths) < 20


def test_a_record_that_is_taken_early_keeps_the_width() -> None:
    spread = Spread()
    spread.contended(0.05)
    spread.uncontended(0.02)
    assert spread.width == 0.1
