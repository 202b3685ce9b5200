"""Datagrams that no member has sent, sealed properly or not."""

from __future__ import annotations

from tests.fuzz.datagrams import make_target
from tests.fuzz.examples import fuzz


def test_any_datagram_is_let_in_as_what_it_says_or_changes_nothing() -> None:
    fuzz(make_target, share=4)
