"""``tenure status``: what it shows of elections, and what scripts learn from its exit status."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenure.testing.pytest_plugin import RunningDevServer
from tests.cli.conftest import Tenure
from tests.cli.objects import LEADER, annotated, blackboard, held
from tests.cli.running import Running
from tests.devserver.api import Api, lease
from tests.sidecar.process import Sidecar, free_port

LEASES = "leases.coordination.k8s.io"


def create(api: Api, resource: str, body: dict[str, Any]) -> dict[str, Any]:
    """Create an object and return its metadata."""
    answer = api.post(resource, body)
    assert answer.code == 201, answer.body
    return answer.metadata


def table(*lines: str) -> str:
    """What is printed, written with the margins of this file."""
    return "".join(f"{line}\n" for line in lines)


def test_without_names_it_lists_the_leases_that_elect_somebody(tenure: Tenure, api: Api) -> None:
    create(api, LEASES, held("reports", "pod-a", token=81543))
    create(api, LEASES, held("billing", "pod-b-long"))
    create(api, LEASES, lease("never-used"))
    for name, labels in [
        ("apiserver-x", {"apiserver.kubernetes.io/identity": "kube-apiserver"}),
        ("reports-pod-b", {"tenure.dev/election": "reports"}),
    ]:
        heartbeat = held(name, "somebody")
        heartbeat["metadata"]["labels"] = labels
        create(api, LEASES, heartbeat)
    done = tenure("status")
    assert done.stdout == table(
        "NAME      LOCK    STATE   HOLDER       HELD-FOR   LEFT   TOKEN   TRANSITIONS   CANDIDATES",
        "billing   lease   held    pod-b-long   0s         ~15s   -       4             -",
        "reports   lease   held    pod-a        0s         ~14s   81543   4             b(9)",
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_all_namespaces_are_listed_without_the_heartbeats_of_nodes(tenure: Tenure, api: Api) -> None:
    for namespace, name in [("kube-node-lease", "node-1"), ("system", "scheduler"), ("apps", "reports")]:
        api.namespace = namespace
        create(api, LEASES, held(name, "a"))
    done = tenure("status", "-A")
    assert done.stdout == table(
        "NAMESPACE   NAME        LOCK    STATE   HOLDER   HELD-FOR   LEFT   TOKEN   TRANSITIONS   CANDIDATES",
        "apps        reports     lease   held    a        0s         ~15s   -       4             -",
        "system      scheduler   lease   held    a        0s         ~15s   -       4             -",
    )
    assert done.returncode == 0


def test_where_there_is_nothing_it_says_so(tenure: Tenure) -> None:
    done = tenure("status", "-n", "elsewhere")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no lease of an election in namespace elsewhere\n"
    assert json.loads(tenure("status", "-o", "json").stdout) == {"elections": []}


def test_other_kinds_are_listed_when_they_are_asked_for(tenure: Tenure, api: Api) -> None:
    create(api, "configmaps", annotated("ConfigMap", "old", "pod-a"))
    create(api, "configmaps", blackboard("board", "zoe"))
    create(api, "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain"}})
    assert tenure("status", "--lock=configmap").stdout == table(
        "NAME   LOCK        STATE   HOLDER   HELD-FOR   LEFT   TOKEN   TRANSITIONS   CANDIDATES",
        "old    configmap   held    pod-a    0s         ~15s   -       0             -",
    )
    assert tenure("status", "--lock=blackboard").stdout == table(
        "NAME    LOCK         STATE   HOLDER   HELD-FOR   LEFT       TOKEN   TRANSITIONS   CANDIDATES",
        "board   blackboard   held    zoe      -          for ever   -       0             -",
    )


def test_every_state_has_its_row_and_the_worst_is_the_exit_status(tenure: Tenure, api: Api) -> None:
    create(api, LEASES, held("good", "pod-a"))
    create(api, LEASES, held("free", ""))
    create(api, "endpoints", annotated("Endpoints", "old", "pod-b"))
    broken = annotated("Endpoints", "broken", "")
    broken["metadata"]["annotations"][LEADER] = "{nope"
    create(api, "endpoints", broken)
    create(api, "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "good"}})

    done = tenure("status", "old", "good", "free", "gone", "broken", "good")
    assert done.stdout == table(
        "NAME     LOCK        STATE        HOLDER   HELD-FOR   LEFT   TOKEN   TRANSITIONS   CANDIDATES",
        "old      endpoints   held         pod-b    0s         ~15s   -       0             -",
        "good     lease       held         pod-a    0s         ~15s   -       4             -",
        "free     lease       free         -        -          -      -       4             -",
        "gone     lease       missing      -        -          -      -       -             -",
        "broken   endpoints   unreadable   -        -          -      -       -             -",
    )
    assert done.returncode == 6
    assert done.stderr == (
        f"warning: endpoints default/broken: annotation {LEADER} is '{{nope', not JSON; when no leader is at "
        f"work, free it with: kubectl -n default annotate endpoints broken {LEADER}-\n"
    )
    statuses = {name: tenure("status", name).returncode for name in ("good", "old", "free", "gone")}
    assert statuses == {"good": 0, "old": 0, "free": 5, "gone": 5}


def test_an_election_in_two_kinds_of_lock_is_told(tenure: Tenure, api: Api) -> None:
    create(api, LEASES, held("reports", "pod-a"))
    create(api, "endpoints", annotated("Endpoints", "reports", "pod-b"))
    done = tenure("status", "reports")
    assert done.stdout == table(
        "NAME      LOCK        STATE   HOLDER   HELD-FOR   LEFT   TOKEN   TRANSITIONS   CANDIDATES",
        "reports   lease       held    pod-a    0s         ~15s   -       4             -",
        "reports   endpoints   held    pod-b    0s         ~15s   -       0             -",
    )
    assert done.stderr == (
        "warning: default/reports may have several leaders at once: its lease 'pod-a', "
        "its endpoints 'pod-b'; --wait=20s tells which of them live\n"
    )
    assert done.returncode == 6
    assert tenure("status", "reports", "--lock=lease").returncode == 0
    assert tenure("status", "reports", "--lock=endpointsleases").returncode == 6


def test_two_locks_of_one_leader_are_no_split(tenure: Tenure, api: Api) -> None:
    create(api, LEASES, held("reports", "pod-a"))
    create(api, "endpoints", annotated("Endpoints", "reports", "pod-a"))
    done = tenure("status", "reports")
    assert (done.returncode, done.stderr) == (0, "")


def test_wide_has_everything(tenure: Tenure, api: Api) -> None:
    metadata = create(api, LEASES, held("reports", "pod-a", token=17))
    header, row = (re.split(r" {2,}", line) for line in tenure("status", "-o", "wide").stdout.splitlines())
    assert dict(zip(header, row, strict=True)) == {
        "NAME": "reports",
        "LOCK": "lease",
        "STATE": "held",
        "HOLDER": "pod-a",
        "HELD-FOR": "0s",
        "LEFT": "~14s",
        "TOKEN": "17",
        "TRANSITIONS": "4",
        "CANDIDATES": "b(9)",
        "RENEWED": "~0s",
        "LEASE": "14.5s",
        "EPOCH": "0",
        "ATTEMPT": "f00d/7",
        "UID": metadata["uid"],
        "VERSION": metadata["resourceVersion"],
    }


@pytest.mark.parametrize(("form", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_programs_read_the_same_names_in_every_case(tenure: Tenure, api: Api, form: str, load: Any) -> None:
    metadata = create(api, LEASES, held("reports", "pod-a", token=(1 << 64) + 17))
    done = tenure("status", "reports", "gone", "-o", form)
    reports, gone = load(done.stdout)["elections"]
    assert reports == {
        "name": "reports",
        "namespace": "default",
        "lock": "lease",
        "state": "held",
        "holder": "pod-a",
        "acquireTime": "9999-01-01T00:00:00.000000Z",
        "renewTime": "9999-01-01T00:00:00.000000Z",
        "leaseDurationSeconds": 14.5,
        "secondsLeft": None,
        "estimatedSecondsLeft": 14.5,
        "token": "18446744073709551633",
        "epoch": 1,
        "transitions": 4,
        "candidates": [{"identity": "b", "priority": 9, "preempt": True}],
        "attempt": "f00d/7",
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
        "reason": None,
    }
    known = {"name": "gone", "namespace": "default", "lock": "lease", "state": "missing"}
    assert gone == {**dict.fromkeys(reports), **known}
    assert done.returncode == 5


def test_a_holder_that_does_not_renew_is_found_out_by_waiting(tenure: Tenure, api: Api) -> None:
    create(api, LEASES, held("dead", "pod-a", leaseDurationSeconds=1))
    assert tenure("status", "dead").returncode == 0
    done = tenure("status", "dead", "--wait=60s", "-o", "json")
    [dead] = json.loads(done.stdout)["elections"]
    assert (dead["state"], dead["holder"], dead["secondsLeft"]) == ("expired", "pod-a", None)
    assert done.returncode == 5


def test_a_leader_that_renews_has_seconds_left(tenure: Tenure, tenure_devserver: RunningDevServer) -> None:
    flags = ("--election=reports", "--ttl=3s", f"--kubeconfig={tenure_devserver.kubeconfig}")
    with Sidecar("pod-a", *flags) as sidecar:
        token = sidecar.until_leading()["token"]
        done = tenure("status", "--wait=60s", "-o", "json")
    [reports] = json.loads(done.stdout)["elections"]
    assert (reports["state"], reports["holder"], reports["token"]) == ("held", "pod-a", str(token))
    assert 0 < reports["secondsLeft"] <= 3
    assert done.returncode == 0


def test_watching_prints_a_line_for_every_change_but_renewals(
    api: Api, tenure_devserver: RunningDevServer
) -> None:
    create(api, LEASES, held("reports", "pod-a"))
    with Running("status", "--watch", kubeconfig=tenure_devserver.kubeconfig) as watching:
        assert watching.line().split()[:4] == ["NAME", "LOCK", "STATE", "HOLDER"]
        assert watching.line().split()[:4] == ["reports", "lease", "held", "pod-a"]
        api.patch(LEASES, "reports", {"spec": {"renewTime": "9999-01-01T00:00:05.000000Z"}})
        api.patch(LEASES, "reports", {"spec": {"holderIdentity": "pod-b", "leaseTransitions": 5}})
        *row, left, token, transitions, _ = watching.line().split()
        assert (row, token, transitions) == (["reports", "lease", "held", "pod-b", "0s"], "-", "5")
        assert re.fullmatch(r"\d+s", left)  # counted from what was seen, so without a ~
        create(api, LEASES, held("billing", "pod-c"))
        assert watching.line().split()[:4] == ["billing", "lease", "held", "pod-c"]
        api.patch(LEASES, "reports", {"spec": None})
        assert watching.line().split()[:4] == ["reports", "lease", "free", "-"]
        api.delete(LEASES, "billing")
        assert watching.line().split()[:4] == ["billing", "lease", "missing", "-"]
        api.patch(LEASES, "reports", {"spec": {"strategy": "Other"}})
        assert watching.line().split()[:4] == ["reports", "lease", "unreadable", "-"]
        assert watching.note().startswith("warning: lease default/reports: spec.strategy is 'Other'")
        assert watching.end(signal.SIGTERM) == 130
        assert watching.has_said_all()


@pytest.mark.parametrize("names", [[], ["reports"]])
def test_watching_goes_on_through_an_outage_and_says_so_once(tmp_path: Path, names: list[str]) -> None:
    kubeconfig, port = tmp_path / "kubeconfig", free_port()
    server = ("devserver", f"--port={port}", f"--kubeconfig={kubeconfig}")
    api = Api(f"http://127.0.0.1:{port}")
    with Running(*server, kubeconfig=kubeconfig) as first:
        assert first.line() == f"serving the Kubernetes API on http://127.0.0.1:{port}"
        assert first.line() == f"kubeconfig: {kubeconfig}"
        create(api, LEASES, held("reports", "pod-a"))
        watching = Running("status", "-w", "-o", "json", *names, kubeconfig=kubeconfig)
        with watching:
            [before] = json.loads(watching.line())["elections"]
            assert first.end(signal.SIGTERM) == 0
            assert watching.note().startswith("no contact: ")
            with Running(*server, kubeconfig=kubeconfig) as second:
                second.line()
                assert watching.note() == "in contact again"
                assert json.loads(watching.line())["state"] == "missing"
                create(api, LEASES, held("reports", "pod-a"))
                after = json.loads(watching.line())
                assert (after["state"], after["holder"]) == ("held", "pod-a")
                assert before["uid"] != after["uid"]
                assert watching.end(signal.SIGINT) == 130
                assert watching.has_said_all()


def test_an_api_server_that_does_not_answer_is_one_line_and_status_1(
    tenure_devserver: RunningDevServer, tenure: Tenure
) -> None:
    config, url = tenure_devserver.kubeconfig, f"http://127.0.0.1:{free_port()}"
    config.write_text(config.read_text().replace(tenure_devserver.url, url))
    for names in ([], ["reports"]):
        done = tenure("status", *names)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"tenure: {url}: cannot connect: Connection refused\n"


@pytest.mark.parametrize("arguments", [("status", "-w"), ("watch", "reports")])
def test_a_reader_that_hangs_up_ends_it(
    api: Api, tenure_devserver: RunningDevServer, arguments: tuple[str, ...]
) -> None:
    """As in ``tenure ... | head -1``."""
    api.post(LEASES, held("reports", "pod-a"))
    command = [sys.executable, "-m", "tenure", *arguments]
    environment = {**os.environ, "KUBECONFIG": str(tenure_devserver.kubeconfig)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=environment, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        api.patch(LEASES, "reports", {"spec": {"holderIdentity": "pod-b"}})
        assert process.wait(60) == 1
        assert process.stderr.read() == ""
