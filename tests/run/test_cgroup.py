"""The control group of a program, where one can be made."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.guard.cgroup import Cgroup, make_cgroup
from tests.run.conftest import StartRunner


@pytest.fixture
def cgroup() -> Iterator[Cgroup]:
    made = make_cgroup()
    if made is None:
        pytest.skip("no control group can be made here, as in most containers")
    yield made
    made.kill()
    made.remove()


def test_all_that_is_in_it_is_killed(cgroup: Cgroup) -> None:
    with subprocess.Popen(["sh", "-c", "read go; sleep 1000 & sleep 1000"], stdin=subprocess.PIPE) as shell:
        assert shell.stdin is not None
        Path(cgroup.path, "cgroup.procs").write_text(str(shell.pid))
        shell.stdin.write(b"go\n")
        shell.stdin.close()
        cgroup.kill()
        assert shell.wait(60) == -9
    cgroup.remove()
    assert not Path(cgroup.path).exists()
    cgroup.kill()  # nothing is there, and nothing happens


def test_a_program_runs_in_one_and_nothing_of_it_stays(runner: StartRunner, cgroup: Cgroup) -> None:
    leader = runner("a", program=["cat", "/proc/self/cgroup"])
    assert leader.wait() == 0
    (own,) = (line for line in leader.stdout if line.startswith("0::"))
    assert own.endswith(f"/tenure-{leader.pid}")
    assert not Path(cgroup.path).with_name(f"tenure-{leader.pid}").exists()


def test_one_that_a_killed_guard_has_left_is_made_anew(cgroup: Cgroup) -> None:
    again = make_cgroup()
    assert again is not None
    assert again.path == cgroup.path
