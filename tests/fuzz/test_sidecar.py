"""Requests that no client writes, to a sidecar."""

from __future__ import annotations

from tests.fuzz.examples import fuzz
from tests.fuzz.sidecar import make_target, make_target_over_tcp


def test_any_bytes_are_answered_well_and_leave_nothing_behind() -> None:
    fuzz(make_target)


def test_nor_do_they_over_the_network() -> None:
    fuzz(make_target_over_tcp, share=0.2)
