"""The window against a set that forgets nothing."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from tenure.peer.window import WINDOW, Window

_NEAR = st.integers(0, 3 * WINDOW)


@given(st.lists(_NEAR | st.integers(2**64 - 2 * WINDOW, 2**64 - 1), max_size=60))
def test_it_takes_what_is_new_and_not_too_old(numbers: list[int]) -> None:
    window, seen = Window(), set[int]()
    for number in numbers:
        is_new = number not in seen and number > max(seen, default=-1) - WINDOW
        assert window.take(number) == is_new
        seen.add(number)


def test_its_edges() -> None:
    window = Window()
    assert window.take(5000)
    assert window.take(5000 - WINDOW + 1)
    assert not window.take(5000 - WINDOW + 1)
    assert not window.take(5000 - WINDOW)
    assert window.take(5001)
    assert not window.take(5001 - WINDOW)


def test_no_number_makes_it_grow() -> None:
    window = Window()
    for number in (*range(0, 100_000, 1000), 2**20, 2**63, 2**64 - 1, 2**64 - 1024):
        window.take(number)
        assert sys.getsizeof(window._seen) < 200
