"""``tenure resign`` and ``tenure transfer``: real candidates, real commands."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tenure.testing.pytest_plugin import RunningDevServer
from tests.cli.objects import held
from tests.cli.running import Running
from tests.devserver.api import Api
from tests.sidecar.process import Sidecar, run_tenure

LEASES = "leases.coordination.k8s.io"


@contextmanager
def candidates(server: RunningDevServer, *names: str, lock: str = "lease") -> Iterator[list[Sidecar]]:
    """Let sidecars campaign for ``reports``, the first of which leads."""
    flags = ("--election=reports", f"--kubeconfig={server.kubeconfig}", f"--lock={lock}")
    with ExitStack() as stack:
        started = []
        for name in names:
            started.append(stack.enter_context(Sidecar(name, *flags)))
            started[0].until_leading()
            started[-1].until_named(names[0])
        yield started


def ask(server: RunningDevServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_tenure(*arguments, f"--kubeconfig={server.kubeconfig}")


@pytest.mark.parametrize("lock", ["lease", "endpoints", "blackboard"])
def test_a_named_candidate_takes_over(tenure_devserver: RunningDevServer, lock: str) -> None:
    with candidates(tenure_devserver, "red", "green", "blue", lock=lock):
        done = ask(tenure_devserver, "transfer", "reports", "--to=blue")
        assert done.stdout == "asked red to hand over reports to blue\nblue leads reports\n"
        assert (done.returncode, done.stderr) == (0, "")
        again = ask(tenure_devserver, "transfer", "reports", "--to=blue")
        assert (again.returncode, again.stdout) == (0, "blue leads reports already\n")


def test_anybody_else_takes_over(tenure_devserver: RunningDevServer) -> None:
    with candidates(tenure_devserver, "red", "green"):
        done = ask(tenure_devserver, "resign", "reports")
        assert done.stdout == "asked red to hand over reports\ngreen leads reports\n"
        assert done.returncode == 0


def test_alone_the_same_candidate_leads_again(tenure_devserver: RunningDevServer) -> None:
    with candidates(tenure_devserver, "red") as (red,):
        before = red.until_leading()["token"]
        done = ask(tenure_devserver, "resign", "reports")
        assert done.stdout == "asked red to hand over reports\nred leads reports\n"
        assert int(red.until_leading()["token"]) > int(before)


def test_an_heir_that_is_not_there_is_told_of(tenure_devserver: RunningDevServer) -> None:
    with candidates(tenure_devserver, "red", "green"):
        done = ask(tenure_devserver, "transfer", "reports", "--to=nobody")
    assert done.stdout.splitlines()[-1] == "green leads reports"
    assert done.stderr == (
        "tenure: reports: nobody did not take over; is it campaigning under this identity?\n"
    )
    assert done.returncode == 7


def test_a_leader_that_does_not_hear_is_told_of(api: Api, tenure_devserver: RunningDevServer) -> None:
    api.post(LEASES, held("reports", "deaf", token=17))
    done = ask(tenure_devserver, "resign", "reports", "--timeout=200ms")
    assert done.stdout == "asked deaf to hand over reports\n"
    assert done.stderr == "tenure: reports: nobody else leads after 0.2 s; deaf may still be draining\n"
    assert done.returncode == 7


def test_who_cannot_be_asked_is_named(api: Api, tenure_devserver: RunningDevServer) -> None:
    nobody = ask(tenure_devserver, "resign", "reports")
    assert (nobody.returncode, nobody.stdout) == (5, "")
    assert nobody.stderr == "tenure: reports: nobody leads, so that nobody can be asked to hand over\n"
    api.post(LEASES, held("reports", "pod-go"))
    foreign = ask(tenure_devserver, "transfer", "reports", "--to=x")
    assert (foreign.returncode, foreign.stdout) == (5, "")
    assert foreign.stderr.startswith("tenure: reports: 'pod-go' cannot be asked to hand over: it is no ")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("transfer", "reports"), "Missing option '--to'"),
        (("transfer", "reports", "--to= "), "--to needs the identity of a candidate"),
        (("resign",), "Missing argument 'NAME'"),
        (("resign", "reports", "--timeout=5"), "'5' is no duration above 0"),
        (("resign", "Reports"), "name 'Reports' is none that Kubernetes accepts"),
    ],
)
def test_wrong_input_is_one_line(
    tenure_devserver: RunningDevServer, arguments: tuple[str, ...], fault: str
) -> None:
    done = ask(tenure_devserver, *arguments)
    assert done.returncode == 2
    assert fault in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_interrupt_ends_the_waiting(api: Api, tenure_devserver: RunningDevServer) -> None:
    api.post(LEASES, held("reports", "deaf", token=17))
    with Running("resign", "reports", kubeconfig=tenure_devserver.kubeconfig) as running:
        assert running.line() == "asked deaf to hand over reports"
        assert running.end(signal.SIGINT) == 130
