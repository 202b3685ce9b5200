"""What dies when tenure itself is killed, stopped or starved: everything, and in time."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.run.conftest import StartRunner
from tests.run.runner import Runner, is_alive, state_of
from tests.sidecar.process import eventually

_PROGRAMS = ("child", "child-daemon")


def begun(runner: Runner) -> list[dict[str, Any]]:
    return [runner.note(name) for name in _PROGRAMS]


def stop(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    eventually(lambda: all(state_of(pid) == "T" for pid in pids))


def assert_dead_before(runner: Runner, programs: list[dict[str, Any]], successor: Runner) -> None:
    began = successor.note()["began"]
    assert [runner.last_beat(program) < began for program in programs] == [True] * len(programs)


def test_a_stopped_supervisor(runner: StartRunner) -> None:
    leader = runner("a", "ignore-term", "leave")
    programs = begun(leader)
    successor = runner("b")
    stop(leader.supervisor)
    assert_dead_before(leader, programs, successor)
    assert leader.wait() == 70
    assert "stopped or starved" in leader.stderr[-1]


def test_the_process_that_was_started_is_stopped_for_longer_than_the_lease(runner: StartRunner) -> None:
    leader = runner("a", "ignore-term", "leave")
    programs = begun(leader)
    successor = runner("b")
    stop(leader.pid)
    assert_dead_before(leader, programs, successor)
    os.kill(leader.pid, signal.SIGCONT)
    assert leader.wait() == 70
    assert "tenure: the guard process is stopped or starved: ending" in leader.stderr


def test_all_of_tenure_is_stopped(runner: StartRunner) -> None:
    """Then the kernel kills the program itself: nobody is left who could find what it has started."""
    leader = runner("a", "ignore-term")
    program = leader.note()
    successor = runner("b")
    stop(leader.pid, leader.supervisor)
    assert_dead_before(leader, [program], successor)
    os.kill(leader.pid, signal.SIGCONT)
    assert leader.wait() == 70
    told = re.fullmatch(
        r"tenure: stopped or starved .*: everything was dead (\d+\.\d) s later", leader.stderr[-1]
    )
    assert told
    assert float(told[1]) > 0  # and not "in time"


@pytest.mark.parametrize("who", ["guard", "supervisor"])
def test_one_of_the_two_is_killed(runner: StartRunner, who: str) -> None:
    leader = runner("a", "ignore-term", "leave")
    programs = begun(leader)
    supervisor = leader.supervisor
    os.kill(leader.pid if who == "guard" else supervisor, signal.SIGKILL)
    assert leader.wait() == (-signal.SIGKILL if who == "guard" else 70)
    eventually(lambda: not any(is_alive(pid) for pid in [supervisor, *(each["pid"] for each in programs)]))


def test_both_are_killed_at_once(runner: StartRunner) -> None:
    leader = runner("a", "ignore-term")
    program = leader.note()
    supervisor = leader.supervisor
    stop(supervisor)  # so that it cannot do anything about the end of the guard
    os.kill(leader.pid, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    assert leader.wait() == -signal.SIGKILL
    eventually(lambda: not is_alive(program["pid"]))


def test_orphans_are_reaped_while_the_program_runs(runner: StartRunner) -> None:
    leader = runner("a", "leave")
    daemon = leader.note("child-daemon")["pid"]
    assert Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()[1] == str(leader.supervisor)
    os.kill(daemon, signal.SIGKILL)
    eventually(lambda: state_of(daemon) == "")
    assert is_alive(leader.note()["pid"])
