"""What happens to the program when its term is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.devserver.api import Api
from tests.run.conftest import StartRunner
from tests.run.runner import is_alive, unread_bytes
from tests.sidecar.process import eventually, run_tenure

_LEASES = "leases.coordination.k8s.io"


def overwrite_holder(api: Api, holder: str) -> None:
    api.patch(_LEASES, "example", {"spec": {"holderIdentity": holder}})


@pytest.mark.parametrize("habit", ["handle=SIGUSR1", "ignore-term"])
def test_it_ends_and_begins_again_when_tenure_is_elected_again(
    runner: StartRunner, api: Api, habit: str
) -> None:
    leader = runner("a", habit, "leave")
    first, daemon = leader.note(), leader.note("child-daemon")
    overwrite_holder(api, "somebody")
    second = leader.note(but=first["pid"])
    assert max(leader.last_beat(first), leader.last_beat(daemon)) < second["began"]
    tokens = [int(note["environment"]["TENURE_FENCING_TOKEN"]) for note in (first, second)]
    assert tokens[0] < tokens[1]
    assert "tenure: standby: somebody leads example" in leader.stderr
    assert leader.end() in (128 + signal.SIGTERM, 128 + signal.SIGKILL)


@pytest.mark.parametrize("flag", ["--once", "--exit-on-loss"])
def test_it_exits_instead_if_it_is_told_so(runner: StartRunner, api: Api, flag: str) -> None:
    leader = runner("a", flags=(flag,))
    program = leader.note()
    overwrite_holder(api, "somebody")
    assert leader.wait() == 75
    assert not is_alive(program["pid"])
    assert api.get(_LEASES, "example").body["spec"]["holderIdentity"] == "somebody"


def test_it_gets_sigterm_first(runner: StartRunner, api: Api) -> None:
    leader = runner("a", "handle=SIGTERM", flags=("--once",))
    leader.note()
    overwrite_holder(api, "somebody")
    assert leader.wait() == 75
    assert (leader.folder / "child-got").read_text() == str(int(signal.SIGTERM))


def test_a_flood_that_nobody_reads_does_not_keep_tenure_from_ending_it(runner: StartRunner, api: Api) -> None:
    """Tenure has more to say then, on the same stderr that is full."""
    read, write = os.pipe()
    leader = runner("a", "flood", output=write, flags=("--verbose",))
    os.close(write)
    first = leader.note()
    eventually(lambda: unread_bytes(read) > 60_000)
    overwrite_holder(api, "somebody")
    assert leader.note(but=first["pid"])["began"] > first["began"]
    assert leader.end() == 128 + signal.SIGTERM
    os.close(read)


def test_a_term_that_is_handed_over_ends_the_program_first(
    runner: StartRunner, kubeconfig: Path, api: Api
) -> None:
    leader = runner("a", "ignore-term")
    first = leader.note()
    successor = runner("b")
    eventually(lambda: "tenure: standby: a leads example" in successor.stderr)
    done = run_tenure("transfer", "example", "--to=b", f"--kubeconfig={kubeconfig}")
    assert done.returncode == 0, done.stderr
    assert leader.last_beat(first) < successor.note()["began"]
    eventually(lambda: "tenure: standby: b leads example" in leader.stderr)
    assert leader.process.poll() is None  # it campaigns again
