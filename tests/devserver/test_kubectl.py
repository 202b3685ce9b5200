"""kubectl cannot tell the embedded server from the real one."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenure.devserver import DevServer
from tests.cluster.build import binary
from tests.cluster.client_go import ClientGoCandidate
from tests.devserver.api import lease

pytestmark = pytest.mark.cluster

Kubectl = Callable[..., subprocess.Popen[str]]


@pytest.fixture(params=["devserver", "kube-apiserver"])
def start_kubectl(request: pytest.FixtureRequest, session_devserver: DevServer, tmp_path: Path) -> Kubectl:
    """Start kubectl in a namespace of its own, on each of the two servers."""
    cluster = request.getfixturevalue("cluster")
    kubeconfig = cluster.admin_kubeconfig
    if request.param == "devserver":
        kubeconfig = session_devserver.kubeconfig(tmp_path / "kubeconfig")
    namespace = f"test-{secrets.token_hex(4)}"
    command = [str(binary("kubectl")), f"--kubeconfig={kubeconfig}", f"--cache-dir={tmp_path / 'cache'}"]

    def start(*args: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*command, f"--namespace={namespace}", *args], stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    start("create", "namespace", namespace).communicate()
    return start


@pytest.fixture
def kubectl(start_kubectl: Kubectl) -> Callable[..., str]:
    """Run kubectl and return what it prints."""

    def run(*args: str, stdin: str = "") -> str:
        with start_kubectl(*args) as process:
            output, errors = process.communicate(stdin, timeout=60)
        assert process.returncode == 0, errors
        return output

    return run


def as_json(text: str) -> dict[str, Any]:
    """The object that kubectl printed."""
    obj: dict[str, Any] = json.loads(text)
    return obj


def test_a_configmap_is_created_from_literals(kubectl: Callable[..., str]) -> None:
    assert kubectl("create", "configmap", "c", "--from-literal=leader=") == "configmap/c created\n"
    assert as_json(kubectl("get", "cm", "c", "-o", "json"))["data"] == {"leader": ""}


def test_a_lease_is_created_read_replaced_and_deleted(kubectl: Callable[..., str]) -> None:
    manifest = json.dumps(lease(holderIdentity="a", leaseDurationSeconds=15))
    assert kubectl("create", "-f", "-", stdin=manifest) == "lease.coordination.k8s.io/x created\n"
    obj = as_json(kubectl("get", "lease", "x", "-o", "json"))
    obj["spec"]["holderIdentity"] = "b"
    assert kubectl("replace", "-f", "-", stdin=json.dumps(obj)) == "lease.coordination.k8s.io/x replaced\n"
    assert "holderIdentity: b" in kubectl("get", "lease", "x", "-o", "yaml")
    assert kubectl("delete", "lease", "x").startswith('lease.coordination.k8s.io "x" deleted')


@pytest.mark.parametrize("form", ["merge", "strategic", "json"])
def test_a_patch_is_applied(kubectl: Callable[..., str], form: str) -> None:
    kubectl("create", "configmap", "c", "--from-literal=a=b")
    patch: object = {"data": {"a": "c"}}
    if form == "json":
        patch = [{"op": "replace", "path": "/data/a", "value": "c"}]
    kubectl("patch", "configmap", "c", f"--type={form}", "-p", json.dumps(patch))
    assert as_json(kubectl("get", "configmap", "c", "-o", "json"))["data"] == {"a": "c"}


def test_labels_and_annotations_come_and_go(kubectl: Callable[..., str]) -> None:
    kubectl("create", "configmap", "c", "--from-literal=a=b")
    assert kubectl("label", "configmap", "c", "tier=web") == "configmap/c labeled\n"
    assert kubectl("annotate", "configmap", "c", "note=this") == "configmap/c annotated\n"
    assert kubectl("get", "configmap", "-l", "tier=web", "-o", "name") == "configmap/c\n"
    kubectl("annotate", "configmap", "c", "note-")
    assert "annotations" not in as_json(kubectl("get", "configmap", "c", "-o", "json"))["metadata"]


def test_apply_creates_then_changes_then_does_nothing(kubectl: Callable[..., str]) -> None:
    first, second = (json.dumps(lease(holderIdentity=holder)) for holder in "ab")
    name = "lease.coordination.k8s.io/x"
    assert kubectl("apply", "-f", "-", stdin=first) == f"{name} created\n"
    assert kubectl("apply", "-f", "-", stdin=second) == f"{name} configured\n"
    assert kubectl("apply", "-f", "-", stdin=second) == f"{name} unchanged\n"


def test_a_table_shows_the_holder(kubectl: Callable[..., str]) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps(lease(holderIdentity="a")))
    for what in (["leases"], ["lease", "x"]):
        header, row = kubectl("get", *what).splitlines()
        assert header.split() == ["NAME", "HOLDER", "AGE"]
        assert row.split()[:2] == ["x", "a"]


@pytest.mark.parametrize(
    ("kind", "header", "row"),
    [
        ("configmaps", ["NAME", "DATA", "AGE"], ["x", "1"]),
        ("endpoints", ["NAME", "ENDPOINTS", "AGE"], ["x", "<none>"]),
    ],
)
def test_a_table_has_the_columns_of_its_kind(
    kubectl: Callable[..., str], kind: str, header: list[str], row: list[str]
) -> None:
    kubectl("create", "configmap", "x", "--from-literal=a=b")
    kubectl("create", "-f", "-", stdin='{"kind": "Endpoints", "apiVersion": "v1", "metadata": {"name": "x"}}')
    table = [line.split() for line in kubectl("get", kind).splitlines()]
    assert table[0] == header
    assert row in [line[:2] for line in table]


def test_a_watched_table_gets_a_row_for_every_change(
    kubectl: Callable[..., str], start_kubectl: Kubectl
) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps(lease(holderIdentity="a")))
    with start_kubectl("get", "leases", "-w") as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline().split() == ["NAME", "HOLDER", "AGE"]
        assert watch.stdout.readline().split()[:2] == ["x", "a"]
        kubectl("patch", "lease", "x", "--type=merge", "-p", '{"spec":{"holderIdentity":"b"}}')
        assert watch.stdout.readline().split()[:2] == ["x", "b"]
        watch.kill()


def test_a_watch_follows_changes(kubectl: Callable[..., str], start_kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps(lease(holderIdentity="a")))
    with start_kubectl("get", "lease", "x", "-w", "-o", "jsonpath={.spec.holderIdentity}{'\\n'}") as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline() == "a\n"
        kubectl("patch", "lease", "x", "--type=merge", "-p", '{"spec":{"holderIdentity":"b"}}')
        assert watch.stdout.readline() == "b\n"
        watch.kill()


@pytest.mark.parametrize("version", ["v0.36", "v0.23"])
@pytest.mark.usefixtures("client_go")  # which gets the binaries
def test_client_go_elects_on_the_embedded_server(
    session_devserver: DevServer, tmp_path: Path, version: str
) -> None:
    kubeconfig = session_devserver.kubeconfig(tmp_path / "kubeconfig")
    namespace = f"test-{secrets.token_hex(4)}"
    with contextlib.ExitStack() as cleanup:

        def start(identity: str) -> ClientGoCandidate:
            timing = {"lease_duration_s": 3, "renew_deadline_s": 2, "retry_period_s": 0.2}
            candidate = ClientGoCandidate(
                kubeconfig, namespace, "election", identity, version=version, **timing
            )
            candidate.start()
            cleanup.callback(candidate.kill)
            return candidate

        first = start("first")
        first.wait_for("started")
        second = start("second")
        second.wait_for("leader", leader="first")
        first.terminate()
        second.wait_for("started")
