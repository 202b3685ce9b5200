"""docs/peers.yaml: what it deploys is accepted, and its very command lines elect with its very rights."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenure.peer.peers import Peers
from tenure.testing.pytest_plugin import RunningDevServer
from tenure.timing import Timing
from tests.cluster.build import binary
from tests.cluster.server import Cluster
from tests.devserver.api import Api
from tests.sidecar.process import Sidecar, eventually, run_tenure

MANIFEST = Path(__file__).parents[2] / "docs" / "peers.yaml"
SLICES = "endpointslices.discovery.k8s.io"
PODS = {f"reports-{number}": f"127.74.11.{number + 1}" for number in range(3)}
"""Their addresses: all of them can have one port."""


def part(kind: str) -> dict[str, Any]:
    """Return the object of one kind."""
    [found] = [each for each in yaml.safe_load_all(MANIFEST.read_text()) if each["kind"] == kind]
    return dict(found)


def pod_template() -> dict[str, Any]:
    template: dict[str, Any] = part("StatefulSet")["spec"]["template"]
    return template


def container() -> dict[str, Any]:
    [found] = pod_template()["spec"]["containers"]
    return dict(found)


def flags(secret: Path) -> list[str]:
    """Return the flags of ``tenure run`` as they stand there, with another file for the secret."""
    program, command, *arguments = container()["command"]
    assert (program, command) == ("tenure", "run")
    mounted = "--peers-secret=/etc/peers/key"
    assert mounted in arguments
    given = arguments[: arguments.index("--")]
    return [f"--peers-secret={secret}" if flag == mounted else flag for flag in given]


def environment(pod: str, namespace: str) -> dict[str, str]:
    """Return what the downward API makes of the container's environment."""
    told = {"metadata.name": pod, "metadata.namespace": namespace, "status.podIP": PODS[pod]}
    return {each["name"]: told[each["valueFrom"]["fieldRef"]["fieldPath"]] for each in container()["env"]}


def endpoint_slice() -> dict[str, Any]:
    """Return what the cluster's controllers make of the Service."""
    service = part("Service")
    assert service["spec"]["selector"] == pod_template()["metadata"]["labels"]
    endpoints = [
        {
            "addresses": [address],
            "conditions": {"ready": False},  # as they are before their first probe
            "targetRef": {"kind": "Pod", "name": name},
        }
        for name, address in PODS.items()
    ]
    labels = {"kubernetes.io/service-name": service["metadata"]["name"]}
    ports = [{key: each[key] for key in ("name", "port", "protocol")} for each in service["spec"]["ports"]]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "reports-abcde", "labels": labels},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    }


@contextmanager
def pods(kubeconfig: Path, namespace: str, folder: Path, *more: str) -> Iterator[dict[str, Sidecar]]:
    """Run the three Pods' command lines, as sidecars, so that they can be asked; `more`: further flags."""
    secret = folder / "key"
    secret.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    given = [flag for flag in flags(secret) if not flag.startswith("--http")] + [*more]
    with ExitStack() as stack:
        yield {
            pod: stack.enter_context(
                Sidecar(
                    "",
                    *given,
                    f"--kubeconfig={kubeconfig}",
                    HOME=str(folder),
                    **environment(pod, namespace),
                )
            )
            for pod in PODS
        }


def leader_of(members: dict[str, Sidecar]) -> str:
    def agreed() -> str:
        try:
            names = {member.get("/").json["name"] for member in members.values()}
        except OSError:
            return ""
        name = str(names.pop()) if len(names) == 1 else ""
        return name if name in members else ""

    found: str = eventually(agreed)
    return found


def test_its_command_lines_elect_where_the_service_says_that_the_pods_are(
    tenure_devserver: RunningDevServer, tmp_path: Path
) -> None:
    api = Api(tenure_devserver.url)
    assert api.post(SLICES, endpoint_slice()).code == 201
    with pods(tenure_devserver.kubeconfig, "default", tmp_path) as members:
        leader = leader_of(members)
        assert leader in PODS
        members.pop(leader).process.kill()
        assert leader_of(members) != leader
    assert api.get("configmaps", "reports").body["data"]["transitions"] == "1"


def test_its_program_gets_the_term(tenure_devserver: RunningDevServer, tmp_path: Path) -> None:
    """``tenure run`` itself, with its program, as the only voter."""
    assert Api(tenure_devserver.url).post(SLICES, endpoint_slice()).code == 201
    secret = tmp_path / "key"
    secret.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    given = [flag for flag in flags(secret) if not flag.startswith(("--http", "--peers-voters"))]
    report = [sys.executable, "-c", "import os; print(os.environ['TENURE_IDENTITY'])"]
    settings = {**environment("reports-0", "default"), "KUBECONFIG": str(tenure_devserver.kubeconfig)}
    done = run_tenure("run", *given, "--peers-voters=1", "--", *report, **settings)
    assert (done.returncode, done.stdout) == (0, "reports-0\n")


def test_its_numbers_fit_each_other() -> None:
    stateful_set, arguments = part("StatefulSet")["spec"], container()["command"]
    electorate = Peers("reports", at="dns:reports:7411", voters=3, secret="key").electorate(
        "reports-0", Timing(lease_duration=2)
    )
    assert "--peers-voters=3" in arguments
    assert stateful_set["replicas"] >= 3
    assert electorate.voters == tuple(PODS)
    assert electorate.longest_lease == 2.5  # as its head says
    assert stateful_set["minReadySeconds"] > electorate.longest_lease + 1
    assert stateful_set["podManagementPolicy"] == "Parallel"
    assert stateful_set["serviceName"] == part("Service")["metadata"]["name"]
    assert part("Service")["spec"]["publishNotReadyAddresses"] is True
    assert part("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    [volume] = pod_template()["spec"]["volumes"]
    [mount] = container()["volumeMounts"]
    assert (mount["name"], mount["mountPath"], volume["name"]) == ("peers", "/etc/peers", "peers")
    assert (
        f"create secret generic {volume['secret']['secretName']} --from-literal=key=" in MANIFEST.read_text()
    )


@pytest.mark.cluster
def test_the_real_api_server_accepts_it(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    command = [str(binary("kubectl")), f"--kubeconfig={cluster.admin_kubeconfig}", f"-n={namespace}"]
    flags_ = ["--dry-run=server", "--validate=strict", f"--cache-dir={tmp_path}", "-f", str(MANIFEST)]
    done = subprocess.run(
        [*command, "apply", *flags_],
        env={**os.environ, "HOME": str(tmp_path), "KUBERC": "off"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    kinds = [each["kind"] for each in yaml.safe_load_all(MANIFEST.read_text())]
    assert done.stdout.count(" created (server dry run)\n") == len(kinds) == 6


@pytest.mark.cluster
def test_its_rights_are_enough(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """The real server takes no Service on the loopback: so they are told by a list where the others are."""
    account = cluster.service_account(namespace, "reports", part("Role")["rules"])
    listed = ",".join(f"{name}={address}:7411" for name, address in PODS.items())
    with pods(account.kubeconfig, namespace, tmp_path, f"--peers={listed}") as members:
        leader = leader_of(members)
        record = cluster.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/reports")
        assert record["data"]["elected"] == leader
        assert members[leader].get("/leader").json["token"] == record["metadata"]["resourceVersion"]
        settings = {"KUBECONFIG": str(cluster.admin_kubeconfig)}
        done = run_tenure("status", "reports", "-n", namespace, "-o", "json", **settings)
        [election] = json.loads(done.stdout)["elections"]
        assert (election["lock"], election["state"], election["holder"]) == ("peers", "held", leader)
        command = [str(binary("kubectl")), f"--kubeconfig={cluster.admin_kubeconfig}", f"-n={namespace}"]
        shown = subprocess.run(
            [*command, f"--cache-dir={tmp_path}", "get", "configmap", "reports", "-o", "yaml"],
            env={**os.environ, "HOME": str(tmp_path), "KUBERC": "off"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        assert f"\n  elected: {leader}\n  since: " in shown
        assert [member.stderr for member in members.values()] == [[], [], []]
    # And as it stands, where the Service has nobody yet.
    with pods(account.kubeconfig, namespace, tmp_path, "--peers-voters=1") as members:
        members["reports-0"].until_leading()
        assert [member.stderr for member in members.values()] == [[], [], []]


@pytest.mark.cluster
@pytest.mark.parametrize("resource", ["endpointslices", "configmaps"])
def test_a_right_that_is_missing_is_named(
    cluster: Cluster, namespace: str, tmp_path: Path, resource: str
) -> None:
    rules = [rule for rule in part("Role")["rules"] if rule["resources"] != [resource]]
    account = cluster.service_account(namespace, "reports", rules)
    with pods(account.kubeconfig, namespace, tmp_path) as members:
        for member in members.values():
            assert member.wait() == 3
            assert f'"resources": ["{resource}"]' in member.stderr[-1]
