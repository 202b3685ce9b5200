"""A program runs only on the leader among peers, and is dead before the next one begins."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.devserver.api import Api
from tests.run.conftest import StartRunner
from tests.run.runner import Runner, is_alive
from tests.sidecar.peers import PeerGroup
from tests.sidecar.process import eventually


@pytest.fixture
def group(tmp_path: Path) -> PeerGroup:
    return PeerGroup(tmp_path)


def first_of(runners: dict[str, Runner]) -> tuple[str, dict[str, Any]]:
    """Wait until one of these has started its program; return its name and the program's note."""

    def begun() -> str:
        found = [name for name, each in runners.items() if list(each.folder.glob("*.note"))]
        return found[0] if found else ""

    name: str = eventually(begun)
    return name, runners[name].note()


def notes(runners: dict[str, Runner]) -> int:
    return sum(len(list(each.folder.glob("*.note"))) for each in runners.values())


@pytest.mark.parametrize("way", ["alone", "hybrid"])
def test_a_leader_that_is_stopped_is_succeeded_after_its_program_is_dead(
    runner: StartRunner, group: PeerGroup, api: Api, way: str
) -> None:
    more = ("--peers-alone",) if way == "alone" else ()
    runners = {name: runner(name, "ignore-term", flags=(*group.flags(name), *more)) for name in "abc"}
    name, program = first_of(runners)
    others = {each: runners[each] for each in runners if each != name}
    for each in others.values():
        eventually(lambda each=each: f"tenure: standby: {name} leads example" in each.stderr)
    assert notes(runners) == 1
    assert program["environment"]["TENURE_IDENTITY"] == name

    os.kill(runners[name].supervisor, signal.SIGSTOP)
    assert runners[name].wait() == 70
    successor, next_program = first_of(others)
    assert runners[name].last_beat(program) < next_program["began"]
    assert notes(runners) == 2
    tokens = [int(note["environment"]["TENURE_FENCING_TOKEN"]) for note in (program, next_program)]
    assert tokens[0] < tokens[1]
    if way == "hybrid":
        record = api.get("configmaps", "example")
        assert (record.body["data"]["elected"], record.version) == (successor, str(tokens[1]))


def test_what_is_stopped_whole_for_longer_than_the_lease_wakes_up_without_its_program(
    runner: StartRunner, group: PeerGroup
) -> None:
    """Guard and supervisor: then the kernel kills the program."""
    runners = {name: runner(name, flags=(*group.flags(name), "--peers-alone")) for name in "abc"}
    name, program = first_of(runners)
    stopped = runners[name]
    others = {each: runners[each] for each in runners if each != name}
    supervisor = stopped.supervisor
    for pid in (stopped.pid, supervisor):
        os.kill(pid, signal.SIGSTOP)
    _, next_program = first_of(others)
    assert stopped.last_beat(program) < next_program["began"]
    assert not is_alive(program["pid"])
    os.kill(stopped.pid, signal.SIGCONT)
    assert stopped.wait() == 70


def test_when_a_program_has_exited_the_next_one_begins(runner: StartRunner, group: PeerGroup) -> None:
    """Of three voters one that is left is no majority: its program never begins."""
    flags = {name: (*group.flags(name), "--peers-alone") for name in "abc"}
    runners = {name: runner(name, "exit=7", flags=flags[name]) for name in "abc"}
    ended = lambda: [name for name, each in runners.items() if each.process.poll() == 7]  # noqa: E731
    eventually(lambda: len(ended()) == 2)
    begun = [name for name, each in runners.items() if list(each.folder.glob("*.note"))]
    assert sorted(begun) == sorted(ended())
