"""Two leaders damage a table where nothing but their own checks protects it, and not where a fence does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest
from examples.two_leaders import Ticket, conclude

from tests.examples.members import EXAMPLES

PAGE = EXAMPLES.parent / "docs" / "two-leaders.md"
LIMIT_S = 120.0
DAMAGED = [(1, "Ann", "red"), (2, "Bob", "red"), (3, "Dan", "blue"), (3, "Cid", "red")]
RIGHT = DAMAGED[:3]


@pytest.fixture(scope="module")
def told() -> str:
    """What the example prints, run as its reader runs it."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(EXAMPLES / "two_leaders.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=LIMIT_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # its workers too, one of which may be frozen
            process.communicate()
    assert process.returncode == 0, said
    return said


def columns(told: str) -> list[list[str]]:
    """Return both tables of the end, row by row."""
    rows = [(line[2:22], line[22:]) for line in told.splitlines() if re.match(r"  (\d| {20}\d)  \w", line)]
    return [[" ".join(cell.split()) for cell in column if cell.strip()] for column in zip(*rows, strict=True)]


def test_the_late_write_damages_the_table_and_is_refused_by_the_fence(told: str) -> None:
    unfenced, fenced = columns(told)
    assert unfenced == ["1 Ann red", "2 Bob red", "3 Dan blue", "4 Eve blue", "3 Cid red", "4 Fay blue"]
    assert fenced == ["1 Ann red", "2 Bob red", "3 Dan blue", "4 Eve blue", "5 Fay blue"]


def test_the_leader_learns_after_its_write_that_its_term_is_over(told: str) -> None:
    without, _, with_fence = told.partition("With a fence:")
    assert re.search(
        r"red  gives 3 to Cid\n.*red  checks again, after the fact: the term \d+ is over", without
    )
    assert re.search(r"red  REFUSED: fence .* a later term has begun\n.*red  checks again", with_fence)
    assert "REFUSED" not in without


@pytest.mark.parametrize(
    ("unfenced", "fenced", "status"),
    [(DAMAGED, RIGHT, 0), (RIGHT, RIGHT, 1), (DAMAGED, DAMAGED, 1), (RIGHT, DAMAGED, 1)],
)
def test_it_fails_unless_the_fence_makes_the_difference(
    unfenced: list[Ticket], fenced: list[Ticket], status: int
) -> None:
    assert conclude(unfenced, fenced) == status


def without_chance(text: str) -> set[str]:
    """Return the lines without what differs from run to run: times, tokens, how the loss was noticed."""
    text = re.sub(r"(\d+\.\d\d s|(?<=token )\d+|(?<=refuses )\d+|(?<=the term )\d+ is over: .*)", "*", text)
    return {" ".join(line.split()) for line in text.splitlines()}


def test_the_page_shows_what_it_prints(told: str) -> None:
    [shown] = re.findall(
        r"^```console\n\$ .*two_leaders.py\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert without_chance(shown) - {"..."} <= without_chance(told)
