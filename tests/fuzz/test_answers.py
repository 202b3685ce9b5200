"""Answers that no API server sends, in reads, writes and watches."""

from __future__ import annotations

from tests.fuzz.answers import make_target
from tests.fuzz.examples import fuzz


def test_any_answer_is_an_observation_or_an_error_that_the_lock_names() -> None:
    fuzz(make_target)
