"""A program that forks and ends all the time, so that whoever looks finds those who are gone."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.run.conftest import StartRunner
from tests.sidecar.process import eventually

HYDRA = Path(__file__).with_name("hydra.py")


def is_anybody_left(sign: Path) -> bool:
    before = sign.stat().st_mtime_ns
    time.sleep(0.2)
    return sign.stat().st_mtime_ns != before


@pytest.mark.parametrize("end", ["supervisor-ends-it", "guard-ends-it"])
def test_it_is_killed(runner: StartRunner, tmp_path: Path, end: str) -> None:
    sign = tmp_path / "sign"
    leader = runner("a", program=["sh", "-c", f"sleep 1000 | {sys.executable} -I -S {HYDRA} {sign}"])
    eventually(sign.exists)
    if end == "guard-ends-it":
        os.kill(leader.supervisor, signal.SIGKILL)
        assert leader.wait() == 70
    else:
        leader.end()
    assert not is_anybody_left(sign)
