"""`tenure run` as PID 1, in a namespace of its own: all that a container is for this purpose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.run.runner import CHILD
from tests.sidecar.process import eventually

_UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    if subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no PID namespaces here: needs root")


@contextmanager
def container(kubeconfig: Path, folder: Path, *habits: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run it; yield what holds the namespace, and the number that PID 1 has outside."""
    tenure = [sys.executable, "-m", "tenure", "run", "--election=example", f"--kubeconfig={kubeconfig}"]
    program = [sys.executable, "-I", "-S", str(CHILD), str(folder), "child", *habits]
    command = [*_UNSHARE, *tenure, "--lease-duration=2s", "--grace=500ms", "--", *program]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as outside:
        children = Path(f"/proc/{outside.pid}/task/{outside.pid}/children")
        try:
            yield outside, int(eventually(lambda: children.read_text().split())[0])
        finally:
            outside.kill()


def begun(folder: Path, name: str) -> int:
    """Wait until the program has begun; return its number inside."""
    found: Path = eventually(lambda: next(folder.glob(f"{name}-*.beat"), None))
    return int(found.stem.rpartition("-")[2])


def inside(pid_1: int, command: str) -> str:
    """Run a command of the shell in the namespace; return what it prints."""
    enter = ["nsenter", f"--target={pid_1}", "--pid", "--mount", "sh", "-c", command]
    return subprocess.run(enter, capture_output=True, text=True, check=False).stdout


def test_sigterm_ends_everything_in_good_order(kubeconfig: Path, tmp_path: Path) -> None:
    with container(kubeconfig, tmp_path, "end-on=SIGTERM", "leave") as (outside, pid_1):
        begun(tmp_path, "child-daemon")
        os.kill(pid_1, signal.SIGTERM)
        assert outside.wait(60) == 9


def test_orphans_are_reaped(kubeconfig: Path, tmp_path: Path) -> None:
    with container(kubeconfig, tmp_path, "leave") as (_, pid_1):
        daemon = begun(tmp_path, "child-daemon")
        assert str(daemon) in inside(pid_1, "ls /proc").split()
        inside(pid_1, f"kill -KILL {daemon}")
        eventually(lambda: str(daemon) not in inside(pid_1, "ls /proc").split())


def test_the_supervisor_is_killed(kubeconfig: Path, tmp_path: Path) -> None:
    with container(kubeconfig, tmp_path, "ignore-term", "leave") as (outside, pid_1):
        begun(tmp_path, "child-daemon")
        assert inside(pid_1, "cat /proc/1/task/1/children").split() == ["2"]
        inside(pid_1, "kill -KILL 2")
        assert outside.wait(60) == 70
