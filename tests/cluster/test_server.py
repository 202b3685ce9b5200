"""The real API server as the other tests rely on it, and the client-go candidates on it."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fixtures import StartClientGo
from tests.cluster.server import ApiError, Cluster

pytestmark = pytest.mark.cluster

OLD_LOCKS = ["leases", "endpoints", "configmaps", "endpointsleases", "configmapsleases"]
READ_LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "list"]}
FAST: dict[str, Any] = {"lease_duration_s": 4, "renew_deadline_s": 3, "retry_period_s": 0.5}
PATIENT: dict[str, Any] = {"lease_duration_s": 9, "renew_deadline_s": 6, "retry_period_s": 0.5}
ANNOTATION = "control-plane.alpha.kubernetes.io/leader"


def leases_path(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def read_lock(cluster: Cluster, namespace: str, lock: str) -> list[dict[str, Any]]:
    """Return the one or two objects of the lock."""
    paths = [leases_path(namespace)] if "leases" in lock else []
    if lock != "leases":
        paths.append(f"/api/v1/namespaces/{namespace}/{lock.removesuffix('leases')}")
    return [cluster.request("GET", f"{path}/election") for path in paths]


def read_holders(cluster: Cluster, namespace: str, lock: str) -> list[str]:
    """Return the holder in each object of the lock."""
    return [
        json.loads(found["metadata"]["annotations"][ANNOTATION])["holderIdentity"]
        if ANNOTATION in found["metadata"].get("annotations", {})
        else found["spec"].get("holderIdentity", "")
        for found in read_lock(cluster, namespace, lock)
    ]


def wait_until_quiet(cluster: Cluster, namespace: str, lock: str) -> None:
    """Wait for a second without a renewal: client-go's release fails when it meets one in flight."""
    before = None
    while before != (now := read_lock(cluster, namespace, lock)):
        before = now
        time.sleep(1)


def wait_until_refused(url: urllib.parse.SplitResult) -> None:
    """Wait until nothing listens at `url` any more, for a minute at most."""
    for _ in range(600):
        try:
            socket.create_connection((url.hostname, url.port), timeout=5).close()
        except ConnectionError:
            return
        time.sleep(0.1)
    pytest.fail(f"{url.netloc} still accepts connections")


def test_serves_the_version_that_the_module_pins(cluster: Cluster) -> None:
    version = cluster.request("GET", "/version")

    assert version["major"] == "1"
    assert int(version["minor"].rstrip("+")) >= 35, "resource versions are comparable from 1.35 on"


def test_kubectl_reads_what_it_created(cluster: Cluster, namespace: str) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "blackboard"},
        "data": {"leader": "a"},
    }

    cluster.kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(manifest))

    query = "jsonpath={.data.leader}"
    assert cluster.kubectl("get", "configmap", "blackboard", "-n", namespace, "-o", query) == "a"


def test_kubectl_failure_carries_its_message(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(RuntimeError, match="NotFound"):
        cluster.kubectl("get", "lease", "nothing", "-n", namespace)


def test_account_may_do_what_its_rules_say_and_no_more(cluster: Cluster, namespace: str) -> None:
    account = cluster.service_account(namespace, "reader", [READ_LEASES])

    listed = cluster.request("GET", leases_path(namespace), token=account.token)
    with pytest.raises(ApiError) as refused:
        cluster.request("POST", leases_path(namespace), {"metadata": {"name": "x"}}, token=account.token)

    assert listed["items"] == []
    assert refused.value.status == 403
    assert f'User "system:serviceaccount:{namespace}:reader" cannot create' in refused.value.body["message"]


def test_account_may_do_nothing_in_another_namespace(cluster: Cluster, namespace: str) -> None:
    other = cluster.namespace(f"{namespace}-other")
    account = cluster.service_account(namespace, "reader", [READ_LEASES])

    with pytest.raises(ApiError) as refused:
        cluster.request("GET", leases_path(other), token=account.token)

    assert refused.value.status == 403


def test_unknown_token_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ApiError) as refused:
        cluster.request("GET", "/api/v1/namespaces", token="unknown")

    assert refused.value.status == 401


def test_mount_is_what_a_pod_needs(cluster: Cluster, namespace: str) -> None:
    mount = cluster.service_account(namespace, "reader", [READ_LEASES]).mount
    trust = ssl.create_default_context(cafile=str(mount / "ca.crt"))
    url = cluster.url + leases_path((mount / "namespace").read_text())
    call = urllib.request.Request(url, headers={"Authorization": f"Bearer {(mount / 'token').read_text()}"})

    with urllib.request.urlopen(call, context=trust, timeout=30) as answer:
        assert answer.status == 200


def test_account_kubeconfig_is_limited_as_the_account(cluster: Cluster, namespace: str) -> None:
    account = cluster.service_account(namespace, "reader", [READ_LEASES])
    config = f"--kubeconfig={account.kubeconfig}"

    assert cluster.kubectl(config, "get", "leases", "-o", "name") == ""
    with pytest.raises(RuntimeError, match="Forbidden"):
        cluster.kubectl(config, "get", "configmaps")


def test_paused_server_does_not_answer_until_it_is_resumed(cluster: Cluster) -> None:
    cluster.pause()
    try:
        with pytest.raises(OSError, match="timed out"):
            cluster.request("GET", "/version", timeout_s=1)
    finally:
        cluster.resume()

    assert cluster.request("GET", "/readyz") == "ok"


def test_crashed_server_keeps_its_address_and_what_was_written(cluster: Cluster, namespace: str) -> None:
    cluster.crash()
    with pytest.raises(OSError, match="refused"):
        cluster.request("GET", "/version")
    cluster.restart()
    cluster.wait_until_ready()

    assert cluster.request("GET", f"/api/v1/namespaces/{namespace}")["metadata"]["name"] == namespace


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_servers_end_with_the_process_that_started_them(cluster: Cluster, end: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.cluster.server"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as by_hand:
        assert by_hand.stdout is not None
        kubeconfig = by_hand.stdout.readline().partition("=")[2].strip()
        assert cluster.kubectl(f"--kubeconfig={kubeconfig}", "get", "namespaces", "-o", "name")
        server = json.loads(Path(kubeconfig).read_text())["clusters"][0]["cluster"]["server"]
        by_hand.send_signal(end)
        status = by_hand.wait(60)

    wait_until_refused(urllib.parse.urlsplit(server))
    if end == signal.SIGKILL:  # its folder goes when the next cluster starts
        assert status == -signal.SIGKILL
    else:
        assert status == 0
        assert not Path(kubeconfig).exists()


@pytest.mark.parametrize(("version", "lock"), [("v0.36", "leases"), *(("v0.23", lock) for lock in OLD_LOCKS)])
def test_client_go_elects_releases_and_hands_over(
    cluster: Cluster, namespace: str, client_go: StartClientGo, version: str, lock: str
) -> None:
    first = client_go("first", version=version, lock=lock, **{**PATIENT, "retry_period_s": 4})
    first.wait_for("started")
    second = client_go("second", version=version, lock=lock, **PATIENT)
    second.wait_for("leader", leader="first")
    assert set(read_holders(cluster, namespace, lock)) == {"first"}

    wait_until_quiet(cluster, namespace, lock)
    second.pause()
    assert first.terminate() == 0
    first.wait_for("stopped")
    assert set(read_holders(cluster, namespace, lock)) == {""}

    second.resume()
    second.wait_for("started")
    assert set(read_holders(cluster, namespace, lock)) == {"second"}


@pytest.mark.parametrize(("old", "new"), [("v0.23", "v0.36"), ("v0.36", "v0.23")])
def test_client_go_versions_hand_over_to_each_other(client_go: StartClientGo, old: str, new: str) -> None:
    first = client_go("first", version=old, **FAST)
    first.wait_for("started")
    second = client_go("second", version=new, **FAST)
    second.wait_for("leader", leader="first")

    assert first.terminate() == 0
    second.wait_for("started")


def test_killed_client_go_releases_nothing_and_is_succeeded(
    cluster: Cluster, namespace: str, client_go: StartClientGo
) -> None:
    first = client_go("first", **FAST)
    first.wait_for("started")
    second = client_go("second", **FAST)
    second.wait_for("leader", leader="first")

    first.kill()

    assert read_holders(cluster, namespace, "leases") == ["first"]
    assert second.wait_for("started")["identity"] == "second"
