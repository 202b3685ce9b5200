"""The same on a real API server, where a Lease has more to say."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cluster.server import Cluster
from tests.run.runner import CHILD, Runner

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("lock", ["lease", "endpoints", "blackboard"])
def test_a_stopped_leader_is_succeeded_after_its_program_is_dead(
    cluster: Cluster, namespace: str, tmp_path: Path, lock: str
) -> None:
    def start(name: str) -> Runner:
        folder = tmp_path / name
        folder.mkdir()
        flags = [f"--kubeconfig={cluster.admin_kubeconfig}", f"--election-namespace={namespace}"]
        flags += ["--election=example", f"--lock={lock}", "--lease-duration=2s", "--grace=500ms"]
        child = [sys.executable, "-I", "-S", str(CHILD), str(folder), "child", "ignore-term"]
        return Runner(name, *flags, "--", *child, folder=folder)

    with start("a") as leader:
        program = leader.note()
        with start("b") as successor:
            os.kill(leader.supervisor, signal.SIGSTOP)
            assert leader.wait() == 70
            assert leader.last_beat(program) < successor.note()["began"]
