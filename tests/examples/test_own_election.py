"""The simulator finds what is wrong with an election of one's own, and shows it in a few steps."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from examples.own_election import Core, Mended

from tenure.testing.cluster import Cluster, ViolationError
from tenure.testing.scenario import Scenario
from tenure.testing.transcript import rewritten
from tenure.testing.trial import try_scenario

EXAMPLES = Path(__file__).parents[2] / "examples"
SEEDS = 20  # within which it is found


@pytest.mark.parametrize("core", [Core, Mended])
def test_it_elects_in_good_weather(core: type[Core]) -> None:
    """It is no straw man: apart from how it counts, nothing is wrong with a quiet day."""
    cluster = Cluster(3, seed=1, core=core, strict=False)
    cluster.run(60)
    leader, terms = cluster.leader, cluster.tallies[0].terms
    assert leader
    assert terms == 1
    cluster.resign(leader, seconds=60)
    cluster.run(40)
    assert cluster.leader not in ("", leader)
    cluster.crash(cluster.leader)
    cluster.run(40)
    assert cluster.leader
    kinds = {violation.kind for violation in cluster.violations}
    assert kinds == ({"valid after s+D"} if core is Core else set())


def kinds(core: type[Core]) -> list[str]:
    """Return what each of the seeds finds; empty: nothing."""
    found = []
    for seed in range(SEEDS):
        try:
            try_scenario(Scenario.random(seed), core=core)
            found.append("")
        except ViolationError as violation:
            found.append(violation.kind)
    return found


def test_every_seed_finds_the_term_that_is_counted_from_the_answer() -> None:
    assert set(kinds(Core)) == {"valid after s+D"}


def test_some_seeds_find_what_is_wrong_next() -> None:
    found = kinds(Mended)
    assert {"two valid terms", "taken though it cannot be read"} <= set(found)
    assert "valid after s+D" not in found


@pytest.mark.parametrize("core", [Core, Mended])
def test_the_commands_of_its_docstring_show_it(core: type[Core]) -> None:
    command = f"tenure simulate --core=own_election:{core.__name__}"
    assert f"\n    {command}\n" in (EXAMPLES / "own_election.py").read_text()
    tenure = Path(sys.executable).with_name("tenure")  # python -m would find the example by itself
    done = subprocess.run(
        [tenure, *command.split()[1:], "--seed=1"], cwd=EXAMPLES, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    [kind] = re.findall(r"^VIOLATION [\d.]+s ([^:]+): ", done.stdout, re.MULTILINE)
    transcript = done.stdout.partition("As a transcript:\n\n")[2].rstrip("\n") + "\n"
    assert re.search(rf"^[\d.]+s VIOLATION: {re.escape(kind)}: ", transcript, re.MULTILINE)
    assert rewritten(transcript, core) == transcript
    assert "VIOLATION" not in rewritten(transcript)
