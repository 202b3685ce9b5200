"""The report among peers: what is red there beside what is red everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.judgement import Takeover, Tenancy
from tests.chaos.peers.report import PeersReport, falls
from tests.chaos.store import Write, late_writes

A = Tenancy("a", "asyncio", "a/1", 5, 0, 5, 0, 5)
B = Tenancy("b", "blocking", "b/1", 7, 6, 9, 6, 9)
C = Tenancy("c", "sidecar", "c/1", 7, 10, 12, 10, 12)

GREEN = PeersReport(
    seed=7,
    seconds=30,
    candidates={"a": "asyncio", "b": "blocking", "c": "sidecar"},
    deadline_s=1,
    done=[],
    acts=[],
    terms=[A, B],
    clashes=[],
    gaps=[],
    takeovers=[Takeover("a", "b", 5, 6)],
    ended=[],
    untimely=[],
    since=0,
    until=30,
    has_recovered=True,
    left_out=[],
    again="make chaos-peers SECONDS=60 SEED=7",
    hybrid=True,
    falls=[],
    accepted=[Write("a", 5, 1), Write("a", 5, 2), Write("b", 7, 6)],
    refused=[Write("a", 5, 7)],
)


def test_a_run_without_faults_is_green() -> None:
    assert GREEN.faults == []
    assert "refused by the fence: 1" in GREEN.text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"falls": [C]}, "the token did not rise"),
        ({"accepted": [Write("b", 7, 6), Write("a", 5, 7)]}, "written after a later term"),
        ({"accepted": []}, "nobody wrote"),
        ({"refused": []}, "refused nobody"),
        ({"takeovers": []}, "nobody ever took over"),
    ],
)
def test_what_must_not_be_is_red_in_hybrid_mode(change: dict[str, object], said: str) -> None:
    [fault] = replace(GREEN, **change).faults  # type: ignore[arg-type]

    assert said in fault


def test_tokens_of_peers_that_are_alone_are_told_and_judge_nothing() -> None:
    alone = replace(GREEN, hybrid=False, falls=[C], accepted=[], refused=[])

    assert alone.faults == []
    assert "terms whose token did not rise: 1" in alone.text()


def test_a_token_falls_when_it_is_not_above_all_before() -> None:
    assert falls([A, B]) == []
    assert falls([A, B, C]) == [C]
    assert falls([B, A, C]) == [A, C]


def test_a_write_is_late_after_one_with_a_higher_token() -> None:
    late = Write("a", 5, 8)

    assert late_writes(GREEN.accepted) == []
    assert late_writes([*GREEN.accepted, late, Write("b", 7, 9)]) == [late]
