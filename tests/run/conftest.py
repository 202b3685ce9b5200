"""An election on the embedded API server, and programs that run only while elected there."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.run.runner import CHILD, Runner, is_alive
from tests.sidecar.conftest import api, devserver, kubeconfig
from tests.sidecar.process import eventually

__all__ = ["StartRunner", "api", "devserver", "kubeconfig"]

StartRunner = Callable[..., Runner]


@pytest.fixture
def runner(kubeconfig: Path, tmp_path: Path) -> Iterator[StartRunner]:
    """Start ``tenure run`` with a lease of 2 s: ``runner(name, *habits of the child, flags=())``.

    At the end of the test nothing that has taken a note in its folder may be alive.
    """
    folders = []
    with ExitStack() as stack:

        def start(
            name: str,
            *habits: str,
            flags: tuple[str, ...] = (),
            program: list[str] | None = None,
            **options: Any,
        ) -> Runner:
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            folders.append(folder)
            child = program or [sys.executable, "-I", "-S", str(CHILD), str(folder), "child", *habits]
            base = (
                "--election=example",
                f"--kubeconfig={kubeconfig}",
                "--lease-duration=2s",
                "--grace=500ms",
            )
            return stack.enter_context(Runner(name, *base, *flags, "--", *child, folder=folder, **options))

        yield start
    pids = [json.loads(path.read_text())["pid"] for folder in folders for path in folder.glob("*.note")]
    try:
        eventually(lambda: not any(is_alive(pid) for pid in pids))
    finally:
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGKILL)
