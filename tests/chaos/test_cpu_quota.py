"""A control group that leaves a process only part of a CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.cpu_quota import CpuQuota, CpuQuotaUnavailableError
from tests.cluster.process import start_process
from tests.sidecar.process import eventually


def test_a_process_that_wants_all_is_throttled_and_set_free() -> None:
    try:
        quota = CpuQuota(0.05)
    except CpuQuotaUnavailableError as error:
        pytest.skip(str(error))
    nothing = subprocess.DEVNULL
    hog = start_process([sys.executable, "-c", "while True: pass"], stdout=nothing, stderr=nothing)
    try:
        quota.add([hog.pid])
        eventually(lambda: quota.throttled_s > 0.2)
        assert f":/{quota._folder.name}" in Path(f"/proc/{hog.pid}/cgroup").read_text()
        quota.close()
        assert quota._folder.name not in Path(f"/proc/{hog.pid}/cgroup").read_text()
        assert not quota._folder.exists()
        before = _cpu_s(hog.pid)
        eventually(lambda: _cpu_s(hog.pid) > before + 0.3)
        assert hog.poll() is None
    finally:
        hog.kill()
        hog.wait()
        quota.close()


def test_a_process_that_has_ended_is_left_out() -> None:
    try:
        quota = CpuQuota(0.5)
    except CpuQuotaUnavailableError as error:
        pytest.skip(str(error))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    quota.add([ended.pid])
    quota.close()


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
