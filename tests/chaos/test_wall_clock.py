"""Shows what a stepped wall clock does to a process, and what it leaves alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.chaos.wall_clock import WallClock, WallClockUnavailableError, build_library

ROOT = Path(__file__).parents[2]
MINUTE_S = 60  # steps are longer; a busy machine's delays are shorter
AHEAD_S = 1000
# Tells its clocks, and what the kernel says is left of a timer set just now, each time it is asked.
PROGRAM = f"""
import json, re, sys, time
from tenure import clock, timerfd

def left_of_timer():
    fd = timerfd.open_timerfd()
    timerfd.set_timerfd(fd, clock.boot_time() + {AHEAD_S})
    return int(re.search(r"it_value: .(\\d+)", open(f"/proc/self/fdinfo/{{fd}}").read())[1])

for line in sys.stdin:
    boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    print(json.dumps([time.time(), time.monotonic(), boot, left_of_timer()]), flush=True)
"""


class Clocks(NamedTuple):
    """How far the clocks of a process are ahead of ours, and what is left of its timer, in seconds."""

    wall: float
    monotonic: float
    boot: float
    left: float


class Victim:
    """A process that tells its clocks."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, **environment},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def clocks(self) -> Clocks:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        wall, monotonic, boot, left = json.loads(self.process.stdout.readline())
        ours = time.clock_gettime(time.CLOCK_BOOTTIME)
        return Clocks(wall - time.time(), monotonic - time.monotonic(), boot - ours, left)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return build_library(tmp_path_factory.mktemp("libfaketime"))
    except WallClockUnavailableError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@pytest.fixture
def clock(library: Path, tmp_path: Path) -> WallClock:
    return WallClock(library, tmp_path, "b")


@pytest.fixture
def victim(clock: WallClock) -> Iterator[Victim]:
    started = Victim(clock.environment)
    yield started
    started.kill()


def assert_true(clocks: Clocks) -> None:
    assert abs(clocks.monotonic) < MINUTE_S
    assert abs(clocks.boot) < MINUTE_S
    assert AHEAD_S - MINUTE_S < clocks.left <= AHEAD_S


@pytest.mark.parametrize("seed", range(6))
def test_the_wall_clock_steps_while_the_process_runs(clock: WallClock, victim: Victim, seed: int) -> None:
    assert abs(victim.clocks().wall) < MINUTE_S
    words = clock.begin(random.Random(seed))
    stepped = victim.clocks()
    assert abs(stepped.wall) > MINUTE_S
    hours = float(words.removeprefix("b: wall clock stepped by ").removesuffix(" h"))
    assert abs(stepped.wall - hours * 3600) < 5 * MINUTE_S  # the words are rounded
    assert_true(stepped)
    clock.end()
    clock.end()
    assert abs(victim.clocks().wall) < MINUTE_S


def test_both_directions_occur(clock: WallClock) -> None:
    signs = {clock.begin(random.Random(seed)).partition(" by ")[2][0] for seed in range(6)}
    assert signs == {"+", "-"}


def test_a_process_that_starts_meanwhile_is_wrong_from_its_first_look(clock: WallClock) -> None:
    clock.begin(random.Random(1))
    late = Victim(clock.environment)
    try:
        found = late.clocks()
    finally:
        late.kill()
    assert abs(found.wall) > MINUTE_S
    assert_true(found)


def test_a_killed_process_leaves_nothing_behind(clock: WallClock, victim: Victim) -> None:
    victim.clocks()
    victim.process.send_signal(signal.SIGKILL)
    victim.process.wait()
    shared = Path("/dev/shm")  # where the C library keeps semaphores and shared memory
    assert not [path for path in shared.glob("*faketime*") if str(victim.process.pid) in path.name]


def test_the_end_is_harmless_when_its_folder_is_gone(library: Path, tmp_path: Path) -> None:
    folder = tmp_path / "place"
    folder.mkdir()
    clock = WallClock(library, folder, "b")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    clock.end()


def test_the_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WallClockUnavailableError, match="apt-get install gcc"):
        build_library(tmp_path)
