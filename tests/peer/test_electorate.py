"""Electorate: what can work, and who suffices."""

from __future__ import annotations

import math

import pytest

from tenure.errors import ConfigurationError
from tenure.peer.electorate import Electorate

THREE = Electorate(voters=("a", "b", "c"))
FIVE = Electorate(voters=("a", "b", "c", "d", "e"))
JOINT = Electorate(voters=("c", "d", "e"), previous=("a", "b", "c"), epoch=1)


@pytest.mark.parametrize("number", [0, 2, 4, 6, 7])
def test_other_numbers_of_voters_are_refused(number: int) -> None:
    with pytest.raises(
        ConfigurationError, match=f"3 or 5 voters .*, not {number}: other candidates need no vote"
    ):
        Electorate(voters=tuple("abcdefg"[:number]))


@pytest.mark.parametrize("number", [1, 3, 5])
def test_one_three_and_five_voters_can_work(number: int) -> None:
    voters = tuple("abcde"[:number])
    assert Electorate(voters=voters).everyone == voters


@pytest.mark.parametrize("names", [("a", "b", "a"), ("a", "b", "")])
def test_names_that_tell_nobody_apart_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match=f"^voters must be distinct names, not {', '.join(names)}"):
        Electorate(voters=names)
    with pytest.raises(
        ConfigurationError, match=f"previous voters must be distinct names, not {', '.join(names)}"
    ):
        Electorate(voters=("a", "b", "c"), previous=names, epoch=1)


def test_previous_voters_need_an_epoch_of_their_own() -> None:
    with pytest.raises(ConfigurationError, match="need an epoch above 0"):
        Electorate(voters=("a", "b", "c"), previous=("a", "b", "d"))


def test_the_longest_lease_allows_for_clocks_and_timers() -> None:
    rated = Electorate(voters=("a",), lease=2.0, longest_lease=2.03, clock_rate_bound=0.01)
    assert rated.longest_grant == pytest.approx(2.0)
    assert Electorate(voters=("a",), lease=2.0, longest_lease=2.5, clock_rate_bound=0.0).longest_grant == 2.49


def test_a_lease_that_is_longer_than_voters_grant_is_refused() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"\(2.02 s\) must be at least 2.03 s for a lease of 2 s; raise it everywhere",
    ):
        Electorate(voters=("a",), lease=2.0, longest_lease=2.02, clock_rate_bound=0.01)
    exactly = Electorate(voters=("a",), longest_lease=2.5).longest_grant
    assert Electorate(voters=("a",), lease=exactly, longest_lease=2.5).lease == exactly


@pytest.mark.parametrize("longest", [math.nan, math.inf, -math.inf, "2.5"])
def test_a_silence_that_is_no_number_of_seconds_is_refused(longest: float) -> None:
    with pytest.raises(ConfigurationError, match=r"^the longest lease must be a number of seconds, not "):
        Electorate(voters=("a",), longest_lease=longest)


@pytest.mark.parametrize("epoch", [-1, 2**64, 1.5, True])
def test_an_epoch_that_cannot_be_told_is_refused(epoch: int) -> None:
    with pytest.raises(ConfigurationError, match=r"^the voters' epoch must be an integer from 0 to .*, not "):
        Electorate(voters=("a",), epoch=epoch)


@pytest.mark.parametrize(
    ("electorate", "names", "suffices"),
    [
        (THREE, "", False),
        (THREE, "a", False),
        (THREE, "ac", True),
        (THREE, "abc", True),
        (THREE, "axyz", False),
        (FIVE, "ab", False),
        (FIVE, "abe", True),
        (Electorate(voters=("a",)), "a", True),
        (Electorate(voters=("a",)), "b", False),
        (JOINT, "de", False),
        (JOINT, "ab", False),
        (JOINT, "bc", False),
        (JOINT, "cde", False),
        (JOINT, "bcd", True),
        (JOINT, "abde", True),
        (Electorate(voters=("c",), previous=("a", "b"), epoch=1), "ca", False),
    ],
)
def test_a_majority_of_each_is_needed(electorate: Electorate, names: str, suffices: bool) -> None:
    assert electorate.is_majority(list(names)) is suffices


def test_everyone_votes_while_both_count_present_voters_first() -> None:
    assert JOINT.everyone == ("c", "d", "e", "a", "b")


@pytest.mark.parametrize(
    ("names", "left"), [("", False), ("a", False), ("ade", False), ("ab", True), ("bc", True)]
)
def test_the_epoch_before_is_left_when_its_majority_has_left(names: str, left: bool) -> None:
    assert JOINT.has_left(list(names)) is left


def test_where_there_was_nobody_before_nobody_need_leave() -> None:
    assert THREE.has_left([])


def test_when_the_change_is_complete_only_the_present_voters_count() -> None:
    alone = JOINT.alone()
    assert (alone.voters, alone.previous, alone.epoch) == (JOINT.voters, (), 1)
    assert alone.everyone == JOINT.voters
    assert alone.is_majority(["d", "e"])
