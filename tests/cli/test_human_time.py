"""Spans as people read them."""

from __future__ import annotations

import pytest

from tenure.cli.human_time import format_span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (0.9, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (192, "3m12s"),
        (3600, "1h"),
        (3661, "1h1m"),
        (86400, "1d"),
        (86400 * 4 + 7200 + 59, "4d2h"),
        (86400 * 400, "400d"),
    ],
)
def test_a_span_has_two_units_at_most(seconds: float, text: str) -> None:
    assert format_span(seconds) == text
