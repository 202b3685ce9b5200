"""Timing: ratios, sub-second values, and one sentence for each fault."""

from __future__ import annotations

import math

import pytest

from tenure.errors import ConfigurationError
from tenure.timing import Timing


def _durations(timing: Timing) -> tuple[float, float, float, float]:
    return (timing.lease_duration, timing.renew_deadline, timing.renew_period, timing.retry_period)


def test_defaults() -> None:
    assert _durations(Timing()) == (15, 10, 5, 2)


@pytest.mark.parametrize("lease_duration", [0.3, 0.75, 1, 30, 86400])
def test_what_is_left_out_follows_the_lease_duration(lease_duration: float) -> None:
    expected = tuple(lease_duration * part / 15 for part in (15, 10, 5, 2))
    assert _durations(Timing(lease_duration=lease_duration)) == pytest.approx(expected)


def test_what_is_given_stands() -> None:
    timing = Timing(lease_duration=30, renew_deadline=25, retry_period=0.25)
    assert _durations(timing) == (30, 25, 10, 0.25)


def test_limits_count_the_clock_rates() -> None:
    timing = Timing(lease_duration=10, clock_rate_bound=0.1)
    assert timing.overrun_limit == pytest.approx(9)
    assert timing.takeover_delay(20) == pytest.approx(22)


FAULTS = {
    "renew_deadline (15 s) leaves": {"lease_duration": 15.1, "renew_deadline": 15, "renew_period": 5},
    "lease_duration (10 s) must be longer than renew_deadline (10 s)": {
        "lease_duration": 10,
        "renew_deadline": 10,
    },
    "renew_deadline (10 s) must be longer than renew_period (10 s)": {"renew_period": 10},
    "renew_deadline (10 s) must be longer than retry_period (11 s)": {"retry_period": 11},
    "renew_deadline must be a positive number of seconds, not 0": {"renew_deadline": 0},
    "renew_period must be a positive number of seconds, not -1": {"renew_period": -1},
    "retry_period must be a positive number of seconds, not inf": {"retry_period": math.inf},
    "renew_period must be a positive number of seconds, not True": {"renew_period": True},
    "clock_rate_bound must be a fraction from 0 to 0.5, not 0.5": {"clock_rate_bound": 0.5},
    "clock_rate_bound must be a fraction from 0 to 0.5, not '1%'": {"clock_rate_bound": "1%"},
}


@pytest.mark.parametrize("sentence", FAULTS)
def test_each_fault_is_one_sentence(sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Timing(**FAULTS[sentence])  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith(sentence)
    assert message.endswith(".")
    assert message.count(". ") == 0


def test_two_faults_are_two_sentences() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Timing(renew_deadline=20, retry_period=25)
    first, second = str(caught.value).split(". ")
    assert first.startswith("lease_duration")
    assert second.startswith("renew_deadline")


@pytest.mark.parametrize("lease_duration", [0, -1, math.inf, math.nan, "15", None, True])
def test_an_unusable_lease_duration_is_named(lease_duration: object) -> None:
    with pytest.raises(ConfigurationError, match=r"lease_duration must be a positive number of seconds"):
        Timing(lease_duration=lease_duration)  # type: ignore[arg-type]


@pytest.mark.parametrize("lease_duration", [0, -1, math.inf, math.nan, "15", None])
def test_one_unusable_lease_duration_is_one_fault(lease_duration: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Timing(lease_duration=lease_duration)  # type: ignore[arg-type]
    assert str(caught.value).count(" must be ") == 1
