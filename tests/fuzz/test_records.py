"""Objects that nobody should have written, in every codec."""

from __future__ import annotations

from tests.fuzz.examples import fuzz
from tests.fuzz.records import make_target


def test_any_object_is_a_record_or_a_reason_in_one_line() -> None:
    fuzz(make_target)
