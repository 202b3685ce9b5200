"""The judgement must see what is wrong, and nothing else: on acts that were made up."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.chaos.act import Act
from tests.chaos.judgement import CLIENT_GO, Clash, Emptying, clashes, gaps, takeovers, tenancies

DEADLINE_S = 2.0
STAMP_S = 0.01  # between the stamps of one act


def acts(who: str, token: int | None, *times: float, kind: str = "asyncio") -> list[Act]:
    return [Act(who, kind, f"{who}/{token}", token, at, at + STAMP_S, 1.0) for at in times]


def judged(*terms: Iterable[Act], emptyings: tuple[Emptying, ...] = ()) -> list[Clash]:
    return clashes(tenancies(act for term in terms for act in term), emptyings, DEADLINE_S)


def test_terms_one_after_the_other_are_right() -> None:
    assert judged(acts("a", 1, 0, 1, 2), acts("b", 2, 2.5, 3), acts("a", 7, 4, 5)) == []


def test_interleaved_acts_are_an_overlap() -> None:
    [clash] = judged(acts("a", 1, 0, 1, 3), acts("b", 2, 2))

    assert (clash.older.who, clash.newer.who) == ("a", "b")
    assert clash.is_among_ours
    assert not clash.is_excused


def test_overlap_lasts_as_long_as_both_are_proven_valid() -> None:
    [clash] = judged(acts("a", 1, 0, 5), acts("b", 2, 2, 9))

    assert clash.overlap_s == pytest.approx(3 - STAMP_S)
    assert "overlap of 2.990 s" in str(clash)


def test_act_of_an_older_term_after_one_of_a_newer_is_wrong_without_an_overlap() -> None:
    """Token 1 acts only after token 2 did: no two are proven valid at once, yet a fence would refuse it."""
    [clash] = judged(acts("b", 2, 1), acts("a", 1, 2))

    assert (clash.older.who, clash.newer.who, clash.overlap_s) == ("a", "b", 0)


def test_equal_tokens_of_two_terms_are_wrong() -> None:
    [clash] = judged(acts("a", 5, 0, 1), acts("b", 5, 2, 3))

    assert clash.is_among_ours


def test_two_processes_of_one_candidate_can_overlap() -> None:
    twins = [
        Act("a", "asyncio", f"a/{process}", token, at, at + STAMP_S, 1.0)
        for process, token, at in ((1, 1, 0), (2, 2, 1), (1, 1, 2))
    ]

    assert len(judged(twins)) == 1


def test_frozen_between_its_stamps_an_act_proves_nothing() -> None:
    """a was frozen from 1 to 9 around its check: that may have been made at 1, before b began."""
    frozen = Act("a", "asyncio", "a/1", 1, 1.0, 9.0, 1.0)

    assert judged(acts("a", 1, 0), [frozen], acts("b", 2, 4, 5)) == []


def test_overlap_with_client_go_is_told_apart() -> None:
    [clash] = judged(acts("a", 1, 0, 3), acts("d", None, 1, 2, kind=CLIENT_GO))

    assert not clash.is_among_ours


def test_client_go_without_an_overlap_is_right() -> None:
    assert judged(acts("a", 9, 0, 1), acts("d", None, 2, 3, kind=CLIENT_GO), acts("b", 12, 4)) == []


def test_emptying_by_hand_excuses_the_older_term_for_the_rest_of_its_deadline() -> None:
    emptying = Emptying(sent=1.0, answered=1.1)

    [clash] = judged(acts("a", 1, 0, 3), acts("b", 2, 2, 4), emptyings=(emptying,))

    assert clash.is_excused


@pytest.mark.parametrize(
    ("sent", "answered"),
    [(0.1, 0.2), (2.1, 2.2), (5.0, 5.1)],
    ids=["more than D before the older one's last act", "after the newer one began", "after all of it"],
)
def test_emptying_at_another_time_excuses_nothing(sent: float, answered: float) -> None:
    emptyings = (Emptying(sent, answered),)

    [clash] = judged(acts("a", 1, 0, 3), acts("b", 2, 2, 4), emptyings=emptyings)

    assert not clash.is_excused


def test_emptying_excuses_no_equal_tokens() -> None:
    [clash] = judged(acts("a", 5, 0, 2), acts("b", 5, 1, 3), emptyings=(Emptying(0.5, 0.6),))

    assert not clash.is_excused


def test_gaps_are_the_long_times_without_an_act() -> None:
    found = gaps(acts("a", 1, 0, 0.2, 3) + acts("b", 2, 3.3), until=10, longer_than_s=0.5)

    assert [(gap.who, round(gap.length_s, 2)) for gap in found] == [("a", 2.8), ("b", 6.69)]


def test_succeeding_oneself_is_no_takeover() -> None:
    terms = tenancies([*acts("a", 1, 0), *acts("a", 2, 1), *acts("b", 3, 2)])

    [takeover] = takeovers(terms)

    assert (takeover.old, takeover.new, round(takeover.took_s, 2)) == ("a", "b", 0.99)
