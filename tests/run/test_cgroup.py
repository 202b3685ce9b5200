"""What forks faster than anybody can look is killed by its control group, where one can be made."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tenure.guard.cgroup import make_cgroup
from tests.run.conftest import StartRunner
from tests.sidecar.process import eventually

HYDRA = Path(__file__).with_name("hydra.py")


@pytest.fixture(autouse=True)
def _cgroups() -> None:
    made = make_cgroup()
    if made is None:
        pytest.skip("no control group can be made here, as in most containers")
    made.remove()


def is_anybody_left(sign: Path) -> bool:
    before = sign.stat().st_mtime_ns
    time.sleep(0.2)
    return sign.stat().st_mtime_ns != before


@pytest.mark.parametrize("end", ["supervisor-ends-it", "guard-ends-it"])
def test_a_program_that_forks_and_ends_all_the_time(runner: StartRunner, tmp_path: Path, end: str) -> None:
    sign = tmp_path / "sign"
    leader = runner("a", program=["sh", "-c", f"sleep 1000 | {sys.executable} -I -S {HYDRA} {sign}"])
    eventually(sign.exists)
    if end == "guard-ends-it":
        os.kill(leader.supervisor, signal.SIGKILL)
        assert leader.wait() == 70
    else:
        leader.end()
    assert not is_anybody_left(sign)


def test_nothing_of_it_stays(runner: StartRunner) -> None:
    leader = runner("a", program=["cat", "/proc/self/cgroup"])
    assert leader.wait() == 0
    (own,) = (line for line in leader.stdout if line.startswith("0::"))
    assert own.endswith(f"/tenure-{leader.pid}")
    made = make_cgroup()
    assert made is not None
    parent = Path(made.path).parent
    made.remove()
    assert not [folder for folder in parent.iterdir() if folder.name == f"tenure-{leader.pid}"]
