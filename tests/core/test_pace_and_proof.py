"""Pace and Proof: when the next request may go out, and when a created record can be trusted."""

from __future__ import annotations

import math

import pytest

from tenure.pace import Pace
from tenure.proof import Proof


@pytest.mark.parametrize(("retry_period", "expected"), [(2.0, 10.55), (0.1, 10.1)])
def test_a_failure_delays_the_next_request(retry_period: float, expected: float) -> None:
    pace = Pace(retry_period)
    pace.sent(10.0)
    pace.failed(10.01)
    assert pace.not_before == pytest.approx(expected)


def test_a_failure_after_a_long_wait_delays_nothing() -> None:
    pace = Pace(2.0)
    pace.sent(10.0)
    pace.failed(15.0)
    assert pace.not_before == 15.0


def test_the_store_can_wish_for_more() -> None:
    pace = Pace(2.0)
    pace.sent(10.0)
    pace.failed(10.2, wait_s=3.0)
    assert pace.not_before == pytest.approx(13.2)


def test_who_has_less_time_waits_no_longer_than_it_can() -> None:
    pace = Pace(2.0)
    pace.sent(10.0)
    pace.failed(10.2, wait_s=20.0)
    pace.hurry(15.0)
    assert pace.not_before == 15.0
    pace.hurry(16.0)
    assert pace.not_before == 15.0


def test_an_answer_ends_the_delay() -> None:
    pace = Pace(2.0)
    pace.sent(10.0)
    pace.failed(10.2, wait_s=3.0)
    pace.succeeded()
    assert pace.not_before == -math.inf


def test_a_created_record_is_proven_a_lease_after_it_was_first_seen() -> None:
    proof = Proof(required=True)
    proof.begin("u", 100.0, 15.0)
    proof.begin("u", 110.0, 15.0)
    assert proof.is_pending("u", 114.9)
    assert not proof.is_pending("u", 115.0)


def test_other_records_need_no_proof() -> None:
    proof = Proof(required=True)
    proof.begin("u", 100.0, 15.0)
    assert not proof.is_pending("v", 101.0)


def test_a_record_that_is_created_anew_is_proven_anew() -> None:
    proof = Proof(required=True)
    proof.begin("u", 100.0, 15.0)
    proof.begin("v", 110.0, 15.0)
    assert proof.is_pending("v", 124.9)


def test_what_was_outstanding_stays_so() -> None:
    proof = Proof(required=True)
    proof.begin("u", 100.0, 60.0)
    proof.begin("v", 110.0, 15.0)
    assert proof.is_pending("v", 159.9)


def test_where_none_is_required_every_record_is_trusted() -> None:
    proof = Proof(required=False)
    proof.begin("u", 100.0, 15.0)
    assert not proof.is_pending("u", 100.0)
