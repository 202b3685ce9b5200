"""The commands of operators on the real API server: rights, client-go's records, the plugin of kubectl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.build import binary
from tests.cluster.fixtures import StartClientGo
from tests.cluster.server import Cluster
from tests.sidecar.process import Sidecar, run_tenure

pytestmark = pytest.mark.cluster

LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str, tmp_path: Path) -> Kubectl:
    """Run kubectl where it finds the plugin, as administrator."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    home = {"HOME": str(tmp_path), "KUBERC": "off", "KUBECONFIG": str(cluster.admin_kubeconfig)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(binary("kubectl")), *arguments],
            env={**os.environ, "PATH": path, **home},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_it_is_a_plugin_of_kubectl(kubectl: Kubectl, cluster: Cluster, namespace: str) -> None:
    flags = ("--election=reports", f"--election-namespace={namespace}")
    with Sidecar("pod-a", *flags, f"--kubeconfig={cluster.admin_kubeconfig}") as sidecar:
        sidecar.until_leading()
        done = kubectl("tenure", "status", "reports", "-n", namespace)
    header, row = done.stdout.splitlines()
    assert header.split()[:4] == ["NAME", "LOCK", "STATE", "HOLDER"]
    assert row.split()[:4] == ["reports", "lease", "held", "pod-a"]
    assert (done.returncode, done.stderr) == (0, "")


def test_as_a_plugin_it_speaks_of_itself_as_one(kubectl: Kubectl) -> None:
    shown = kubectl("tenure", "status", "--help").stdout
    assert shown.startswith("Usage: kubectl tenure status [OPTIONS] [NAME...]\n")
    assert "\n    kubectl tenure status reports -o wide\n" in shown
    wrong = kubectl("tenure", "status", "--no-such")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("kubectl tenure: No such option")
    assert wrong.stderr.endswith("(see kubectl tenure status --help)\n")


def test_a_record_of_client_go_is_shown(
    client_go: StartClientGo, cluster: Cluster, namespace: str, kubectl: Kubectl
) -> None:
    theirs = client_go("theirs")
    theirs.wait_for("started")
    done = run_tenure("status", "-n", namespace, "-o", "json", KUBECONFIG=str(cluster.admin_kubeconfig))
    [election] = json.loads(done.stdout)["elections"]
    stored = json.loads(kubectl("get", "lease", "election", "-n", namespace, "-o", "json").stdout)
    assert (election["name"], election["state"], election["holder"]) == ("election", "held", "theirs")
    assert election["acquireTime"] == stored["spec"]["acquireTime"]
    assert (election["leaseDurationSeconds"], election["transitions"]) == (15, 0)
    assert (election["token"], election["attempt"], election["secondsLeft"]) == (None, None, None)
    assert election["uid"] == stored["metadata"]["uid"]
    assert done.returncode == 0


def test_a_list_that_is_refused_names_the_rule(cluster: Cluster, namespace: str) -> None:
    account = cluster.service_account(namespace, "blind", [])
    done = run_tenure("status", KUBECONFIG=str(account.kubeconfig))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert (
        'it takes the RBAC rule {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], '
        f'"verbs": ["list"]}} in a Role in namespace "{namespace}", bound to this identity\n'
    ) in done.stderr
    done = run_tenure("status", "-A", KUBECONFIG=str(account.kubeconfig))
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "tenure: list leases in all namespaces at " in done.stderr
    assert '"verbs": ["list"]} in a ClusterRole, bound to this identity' in done.stderr


def test_kinds_that_may_not_be_read_are_told_and_left_out(cluster: Cluster, namespace: str) -> None:
    rules = [{**LEASES, "verbs": ["get", "create", "update"]}]
    account = cluster.service_account(namespace, "leases-only", rules)
    settings = {"KUBECONFIG": str(account.kubeconfig)}
    assert run_tenure("status", "reports", **settings).returncode == 3  # it may be elsewhere
    flags = ("--election=reports", f"--election-namespace={namespace}", f"--kubeconfig={account.kubeconfig}")
    with Sidecar("pod-a", *flags) as sidecar:
        sidecar.until_leading()
        done = run_tenure("status", "reports", **settings)
        only = run_tenure("status", "reports", "--lock=lease", "--wait=60s", "-o", "json", **settings)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split()[:4] == ["reports", "lease", "held", "pod-a"]
    notes = done.stderr.splitlines()
    assert [note.split(" at ")[0] for note in notes] == [
        f"not looked at: get endpoints {namespace}/reports",
        f"not looked at: get configmaps {namespace}/reports",
    ]
    assert json.loads(only.stdout)["elections"][0]["secondsLeft"] > 0
    [note] = only.stderr.splitlines()  # watching is not allowed, so it reads
    assert note.endswith("reading every 1 s instead")
