"""The report: a red run must be red, and costs are put to the account of what was in force."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.act import Act
from tests.chaos.candidates import Ended
from tests.chaos.judgement import CLIENT_GO, Clash, Gap, Takeover, Tenancy
from tests.chaos.nemesis import Done
from tests.chaos.report import Report

A = Tenancy("a", "asyncio", "a/1", 1, 0, 5, 0, 5)
B = Tenancy("b", "blocking", "b/1", 2, 3, 9, 3, 9)
D = Tenancy("d", CLIENT_GO, "d/1", None, 3, 9, 3, 9)
OVERLAP = Clash(A, B, 2.0, is_excused=False)

GREEN = Report(
    seed=7,
    seconds=60,
    candidates={"a": "asyncio", "b": "blocking", "d": CLIENT_GO},
    deadline_s=2,
    done=[
        Done("killed", "a", "killed a", 10, 12),
        Done("frozen", "b", "froze b, who did not lead", 9, 31),
        Done("starved", "", "8 processes", 9, 9),
    ],
    acts=[Act("a", "asyncio", "a/1", 1, 0, 0.01, 2)],
    terms=[A, B],
    clashes=[],
    gaps=[Gap("a", 10, 14), Gap("b", 50, 52)],
    takeovers=[Takeover("a", "b", 10, 14)],
    ended=[],
    untimely=[],
    since=0,
    until=60,
    has_recovered=True,
    left_out=[],
    again="make chaos SECONDS=60 SEED=7",
)


def test_a_run_without_faults_is_green() -> None:
    assert GREEN.faults == []
    assert GREEN.availability == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clashes": [OVERLAP]}, "among tenure's candidates: overlap of 2.000 s: a/1 (token 1)"),
        ({"acts": [replace(GREEN.acts[0], valid_for_s=2.01)]}, "a believed in its term for too long"),
        ({"takeovers": []}, "nobody ever took over"),
        ({"has_recovered": False}, "nobody leads"),
        ({"untimely": GREEN.acts}, "the clock of a is not boot time"),
        ({"ended": [Ended("a", "asyncio", 1, 1, "Boom")]}, "a ended with 1: Boom"),
    ],
    ids=["overlap", "beyond D", "no takeover", "no recovery", "clock", "crash"],
)
def test_what_must_not_be_is_a_fault(change: dict[str, object], said: str) -> None:
    [fault] = replace(GREEN, **change).faults  # type: ignore[arg-type]

    assert fault.startswith(said) or said in fault


@pytest.mark.parametrize(
    "change",
    [
        {"clashes": [replace(OVERLAP, is_excused=True)]},
        {"clashes": [replace(OVERLAP, newer=D)]},
        {"ended": [Ended("d", CLIENT_GO, 1, 1, "lost")]},
        {"ended": [Ended("a", "asyncio", 1, 3, "PermissionDeniedError")]},
    ],
    ids=["emptied by hand", "client-go overlaps", "client-go ends at a loss", "refused at the start"],
)
def test_what_may_be_is_told_and_no_fault(change: dict[str, object]) -> None:
    report = replace(GREEN, **change)  # type: ignore[arg-type]

    assert report.faults == []
    assert report.text() != GREEN.text()


def test_costs_are_put_to_the_account_of_what_was_in_force() -> None:
    frozen, killed, starved = GREEN.costs()

    assert (killed.kind, killed.count, killed.takeovers, killed.median_s, killed.max_s) == (
        "killed",
        1,
        1,
        4,
        4,
    )
    assert (frozen.kind, frozen.count, frozen.takeovers, frozen.max_s) == ("frozen", 1, 0, 0)
    assert (starved.kind, starved.takeovers, starved.max_s) == ("starved", 1, 4)


def test_every_form_tells_how_to_run_it_again() -> None:
    assert "make chaos SECONDS=60 SEED=7" in GREEN.text()
    assert "make chaos SECONDS=60 SEED=7" in GREEN.markdown()
    assert GREEN.as_json()["seed"] == 7
