"""Thousands of changes of leadership in one process leave nothing behind.

What is compared: tasks, threads, descriptors, sockets, objects and resident memory, read by the process
itself after the garbage has been collected and the allocator has given back what it can, once when everything
that is made once has been made and once at the end, both times while one elector leads and the other follows.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tenure.devserver import running_devserver
from tests.endurance.reading import Reading

_GIVE_UP_S = 900.0  # a test that waits this long hangs; nothing is measured by it
# Over HTTP; more of them is a matter of patience: CHANGES=10000.
_CHANGES = int(os.environ.get("CHANGES", "1000"))


def _play(scene: str, first: int, last: int, kubeconfig: str = "") -> dict[str, Any]:
    command = [sys.executable, "-W", "error", "-m", "tests.endurance.run", scene, str(first), str(last)]
    done = subprocess.run(
        [*command, kubeconfig], capture_output=True, text=True, timeout=_GIVE_UP_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    print(scene, "on a Lease:" if kubeconfig else "in memory:", done.stdout)
    played: dict[str, Any] = json.loads(done.stdout)
    return played


def _assert_nothing_is_left(played: dict[str, Any], changes: int) -> None:
    first, last = (Reading(**reading) for reading in played["readings"])
    assert played["changes"] == changes
    assert last.leaks_since(first) == []


# A MemoryLock keeps its last 1,024 versions, which the first changes fill.
@pytest.mark.parametrize(
    ("scene", "first", "last"),
    [
        ("by_release", 1000, 10_000),
        ("by_loss", 1000, 2000),
        ("by_lifetime", 600, 1600),
        ("in_threads", 600, 1600),
    ],
)
def test_in_memory(scene: str, first: int, last: int) -> None:
    played = _play(scene, first, last)
    _assert_nothing_is_left(played, last)
    if scene == "by_loss":
        assert played["losses"] == last - 1


@pytest.mark.parametrize(
    ("scene", "first", "last"),
    [("by_release", min(1000, _CHANGES // 5), _CHANGES), ("by_loss", 100, 300), ("by_lifetime", 50, 150)],
)
def test_on_a_lease(scene: str, first: int, last: int, tmp_path: Path) -> None:
    with running_devserver() as server:
        played = _play(scene, first, last, str(server.kubeconfig(tmp_path / "kubeconfig")))
    _assert_nothing_is_left(played, last)
    if scene == "by_release":
        # Everybody has heard of everything, or these runs would show nothing of them.
        assert min(played["told"].values()) >= last


def _leak_a_bit_of_everything(stack: ExitStack) -> None:
    stack.callback(asyncio.create_task(asyncio.Event().wait()).cancel)
    ending = threading.Event()
    threading.Thread(target=ending.wait).start()
    stack.callback(ending.set)
    stack.enter_context(socket.socket())
    kept = [[] for _ in range(100)], b"x" * 3_000_000  # type: ignore[var-annotated]
    stack.callback(lambda: kept)


def test_leaks_are_seen() -> None:
    async def main() -> list[str]:
        with ExitStack() as stack:
            first = await Reading.settled()
            assert (await Reading.settled()).leaks_since(first) == []
            _leak_a_bit_of_everything(stack)
            return (await Reading.settled()).leaks_since(first)

    every = [field.name for field in fields(Reading)]
    assert [leak.partition(":")[0] for leak in asyncio.run(main())] == every
