"""The blackboard: first come first served by PUT with ``resourceVersion``, as a person does it with curl."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

import pytest

from tenure import BlackboardLock, blocking
from tenure.kubernetes.config import in_cluster
from tests.cluster.fixtures import StartClientGo
from tests.cluster.server import ApiError, Cluster, ServiceAccount

pytestmark = pytest.mark.cluster

RULES = [
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": ["blackboard"],
        "verbs": ["get", "update"],
    }
]


def board(cluster: Cluster, namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps/blackboard"


def written(leader: str, seen: dict[str, Any]) -> dict[str, Any]:
    return {**seen, "data": {"leader": leader}}


def shown(cluster: Cluster, namespace: str) -> str:
    return cluster.kubectl("-n", namespace, "get", "configmap", "blackboard", "-o", "yaml")


def test_jane_is_first_and_john_follows(cluster: Cluster, namespace: str) -> None:
    """Steps 1 to 5 of the recipe, the 409 included."""
    path = board(cluster, namespace)
    cluster.kubectl("-n", namespace, "create", "configmap", "blackboard", "--from-literal=leader=")
    as_john_saw_it, as_jane_saw_it = cluster.request("GET", path), cluster.request("GET", path)
    assert as_john_saw_it["metadata"]["resourceVersion"] == as_jane_saw_it["metadata"]["resourceVersion"]
    cluster.request("PUT", path, written("jane", as_jane_saw_it))
    with pytest.raises(ApiError) as refusal:
        cluster.request("PUT", path, written("john", as_john_saw_it))
    assert refusal.value.status == 409
    answer = refusal.value.body
    assert answer["reason"] == "Conflict"
    assert "the object has been modified" in answer["message"]
    assert cluster.request("GET", path)["data"]["leader"] == "jane"


def as_in_a_pod(account: ServiceAccount, cluster: Cluster, method: str, path: str, body: Any = None) -> Any:
    """Ask as curl does in a Pod, with what is mounted there: token and CA."""
    request = urllib.request.Request(
        f"{cluster.url}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {(account.mount / 'token').read_text()}",
            "Content-Type": "application/json",
        },
    )
    trust = ssl.create_default_context(cafile=str(account.mount / "ca.crt"))
    with urllib.request.urlopen(request, context=trust, timeout=30) as answer:
        return json.load(answer)


def test_in_a_pod_with_get_and_update_only(cluster: Cluster, namespace: str) -> None:
    """Step 6: ServiceAccount, Role on one ConfigMap, the mounted files."""
    account = cluster.service_account(namespace, "actor", RULES)
    path = board(cluster, namespace)
    cluster.kubectl("-n", namespace, "create", "configmap", "blackboard")
    assert (account.mount / "namespace").read_text() == namespace
    seen = as_in_a_pod(account, cluster, "GET", path)
    as_in_a_pod(account, cluster, "PUT", path, written("jane", seen))
    with pytest.raises(urllib.error.HTTPError) as refusal:
        as_in_a_pod(account, cluster, "GET", path.replace("blackboard", "other"))
    with refusal.value as answer:
        assert answer.code == 403
    assert "leader: jane" in shown(cluster, namespace)


def test_a_name_by_hand_is_followed_and_frees_only_by_hand(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """jane wrote her name; our candidate, in a Pod with the same Role, follows her until she wipes it."""
    account = cluster.service_account(namespace, "actor", RULES)
    host, _, port = cluster.url.removeprefix("https://").rpartition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    path = board(cluster, namespace)
    cluster.kubectl("-n", namespace, "create", "configmap", "blackboard", "--from-literal=leader=jane")
    lock = BlackboardLock("blackboard", config=in_cluster(account.mount))
    elector = blocking.LeaderElector(lock, identity="john")
    led = []

    def work(term: blocking.Term) -> None:
        led.append(shown(cluster, namespace))
        term.wait_ending()

    with elector.running(work):
        changes = elector.changes()
        assert any(change.leader == "jane" for change in changes)
        assert not led
        cluster.request("PUT", path, written("", cluster.request("GET", path)))
        assert any(change.is_self for change in changes)
    assert "leader: john" in led[0]
    assert "leader: ''" in shown(cluster, namespace) or 'leader: ""' in shown(cluster, namespace)


def test_the_board_is_ours_alone(client_go: StartClientGo, cluster: Cluster, namespace: str) -> None:
    """A client-go candidate on an annotation of the same ConfigMap does not disturb the board."""
    cluster.kubectl("-n", namespace, "create", "configmap", "blackboard", "--from-literal=leader=jane")
    other = client_go("other", name="blackboard", version="v0.23", lock="configmaps")
    other.wait_for("started")
    assert "leader: jane" in shown(cluster, namespace)
