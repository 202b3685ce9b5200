"""``tenure watch``: a line for every change of one election's leader."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tenure.testing.pytest_plugin import RunningDevServer
from tests.cli.objects import LEADER, annotated, held
from tests.cli.running import Running
from tests.devserver.api import Api
from tests.sidecar.process import Sidecar, free_port

LEASES = "leases.coordination.k8s.io"


@contextmanager
def watching(server: RunningDevServer, *arguments: str) -> Iterator[Running]:
    with Running("watch", *arguments, kubeconfig=server.kubeconfig) as running:
        yield running


def sentence(line: str) -> str:
    """What a line says after its time."""
    found = re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  (.+)", line)
    assert found, line
    return found[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_every_change_is_a_line(api: Api, tenure_devserver: RunningDevServer, number: signal.Signals) -> None:
    with watching(tenure_devserver, "reports") as running:
        assert sentence(running.line()) == "nobody leads"
        api.post(LEASES, held("reports", "pod-a", token=17))
        assert sentence(running.line()) == "pod-a leads, token 17"
        api.patch(LEASES, "reports", {"spec": {"holderIdentity": "pod-b", "renewTime": None}})
        assert sentence(running.line()) == "pod-b leads"
        api.patch(LEASES, "reports", {"spec": {"holderIdentity": ""}})
        assert sentence(running.line()) == "nobody leads"
        api.patch(LEASES, "reports", {"spec": {"strategy": "Other"}})
        assert sentence(running.line()).startswith("leader unknown: lease default/reports: spec.strategy is ")
        assert running.end(number) == 130
        assert running.has_said_all()


def test_a_leader_that_falls_silent_is_unknown_in_the_end(
    api: Api, tenure_devserver: RunningDevServer
) -> None:
    api.post(LEASES, held("reports", "pod-a", leaseDurationSeconds=1))
    with watching(tenure_devserver, "reports") as running:
        assert sentence(running.line()) == "pod-a leads"
        assert sentence(running.line()) == "leader unknown: the last record that was seen has run out"


def test_programs_get_an_object_a_line(tenure_devserver: RunningDevServer) -> None:
    flags = ("--election=reports", f"--kubeconfig={tenure_devserver.kubeconfig}", "--ttl=3s")
    with watching(tenure_devserver, "reports", "-o", "json") as running:
        first = json.loads(running.line())
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", first.pop("time"))
        assert first == {"leader": "", "token": None, "contact": True, "reason": None}
        with Sidecar("pod-a", *flags) as sidecar:
            token = sidecar.until_leading()["token"]
            told = [json.loads(running.line()) for _ in range(2)]
            assert [(each["leader"], each["token"]) for each in told] == [
                ("pod-a", None),
                ("pod-a", str(token)),
            ]
            assert sidecar.end() == 0
            assert json.loads(running.line())["leader"] == ""


def test_an_outage_is_told_once_and_its_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    kubeconfig, port = tmp_path_factory.mktemp("outage") / "kubeconfig", free_port()
    server = ("devserver", f"--port={port}", f"--kubeconfig={kubeconfig}")
    api = Api(f"http://127.0.0.1:{port}")
    with Running(*server, kubeconfig=kubeconfig) as first:
        first.line()
        assert first.line() == f"kubeconfig: {kubeconfig}"
        api.post(LEASES, held("reports", "pod-a"))
        with Running("watch", "reports", "-o", "json", kubeconfig=kubeconfig) as running:
            assert json.loads(running.line())["leader"] == "pod-a"
            first.end(signal.SIGTERM)
            lost = json.loads(running.line())
            assert (lost["leader"], lost["contact"]) == ("pod-a", False)
            assert lost["reason"] == f"http://127.0.0.1:{port}: cannot connect: Connection refused"
            with Running(*server, kubeconfig=kubeconfig) as second:
                second.line()
                told = json.loads(running.line())
                while told["leader"]:
                    told = json.loads(running.line())
                assert told["contact"]


def test_it_follows_the_kind_of_lock_that_there_is(api: Api, tenure_devserver: RunningDevServer) -> None:
    api.post("endpoints", annotated("Endpoints", "reports", "pod-a"))
    with watching(tenure_devserver, "reports") as running:
        assert sentence(running.line()) == "pod-a leads"
    api.post(LEASES, held("reports", ""))
    with watching(tenure_devserver, "reports") as running:
        assert sentence(running.line()) == "pod-a leads"
        assert running.note() == (
            "following the endpoints of reports; there is a lock of kind lease, too (choose with --lock)"
        )
    with watching(tenure_devserver, "reports", "--lock=lease") as running:
        assert sentence(running.line()) == "nobody leads"


def test_a_record_that_cannot_be_read_is_told_with_the_remedy(
    api: Api, tenure_devserver: RunningDevServer
) -> None:
    broken = annotated("Endpoints", "reports", "")
    broken["metadata"]["annotations"][LEADER] = "{nope"
    api.post("endpoints", broken)
    with watching(tenure_devserver, "reports") as running:
        assert sentence(running.line()).endswith(
            f"free it with: kubectl -n default annotate endpoints reports {LEADER}-"
        )
