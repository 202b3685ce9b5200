"""FencingToken: order, one integer, and back."""

from __future__ import annotations

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.token import FencingToken

TOKENS = st.builds(FencingToken, st.integers(0, 2**20), st.integers(0, 2**64 - 1))


def test_without_an_epoch_it_is_the_version() -> None:
    assert str(FencingToken(0, 4711)) == "4711"


def test_an_epoch_outranks_every_version() -> None:
    assert FencingToken(1, 0) > FencingToken(0, 2**64 - 1)
    assert int(FencingToken(1, 5)) == 2**64 + 5


@given(TOKENS)
def test_what_is_written_can_be_read(token: FencingToken) -> None:
    assert FencingToken.parse(str(token)) == token


@given(TOKENS, TOKENS)
def test_the_integer_has_the_same_order(one: FencingToken, other: FencingToken) -> None:
    assert (one < other) == (int(one) < int(other))


@pytest.mark.parametrize("text", ["", "-1", "1.0", " 1", "0x1", "1_000", "²", "\u0661", "(0, 1)"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a fencing token"):
        FencingToken.parse(text)


def test_tokens_of_two_elections_have_no_order() -> None:
    one, other = FencingToken(0, 5, "default/a"), FencingToken(0, 6, "default/b")
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError, match="two elections"):
            compare(one, other)
    assert one != FencingToken(0, 5, "default/b")


def test_a_token_is_no_number() -> None:
    with pytest.raises(TypeError, match="cannot be compared with 5"):
        FencingToken(0, 5) < 5  # type: ignore[operator]  # noqa: B015


def test_what_is_read_belongs_to_the_election_that_is_named() -> None:
    assert FencingToken.parse("7", "default/a") > FencingToken(0, 6, "default/a")


def test_the_uid_is_for_people() -> None:
    assert FencingToken(0, 5, "default/a", "uid-1") == FencingToken(0, 5, "default/a", "uid-2")
