"""How a lock in the Kubernetes API is named, and how it finds its cluster."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tenure.errors import ConfigurationError
from tenure.kubernetes.config import ClusterConfig
from tenure.locks.annotation import ConfigMapLock, EndpointsLock
from tenure.locks.blackboard import BlackboardLock
from tenure.locks.kube import KubeLock
from tenure.locks.lease import LeaseLock
from tenure.locks.memory import MemoryLock
from tenure.locks.multi import MultiLock


@pytest.fixture(autouse=True)
def _no_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POD_NAMESPACE", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)


async def enter(lock: KubeLock) -> str:
    async with lock.open():
        return lock.describe()


@pytest.mark.parametrize("name", ["a", "reports", "my-app.example.org", "0", "a" * 253])
def test_names_that_kubernetes_accepts(name: str) -> None:
    assert LeaseLock(name, "ns").describe() == f"lease ns/{name}"


@pytest.mark.parametrize(
    "name", ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a/b", "a b", "a\n", "ä", "a" * 254]
)
def test_names_that_kubernetes_refuses(name: str) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        LeaseLock(name, "ns")


@pytest.mark.parametrize("namespace", ["A", "a.b", "a" * 64, "-"])
def test_namespaces_that_kubernetes_refuses(namespace: str) -> None:
    with pytest.raises(ConfigurationError, match="namespace"):
        LeaseLock("a", namespace)


def test_every_kind_describes_itself() -> None:
    assert EndpointsLock("a", "ns").describe() == "endpoints ns/a"
    assert ConfigMapLock("a", "ns").describe() == "configmap ns/a"
    assert BlackboardLock("a", "ns").describe() == "configmap ns/a"
    assert MemoryLock("a").describe() == "memory a"
    both = MultiLock(EndpointsLock("a", "ns"), LeaseLock("a", "ns"))
    assert both.describe() == "endpoints ns/a + lease ns/a"


def test_the_pods_namespace_comes_before_that_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ClusterConfig(server="http://127.0.0.1:1", namespace="configured")
    assert LeaseLock("a").describe() == "lease a"
    assert asyncio.run(enter(LeaseLock("a", config=config))) == "lease configured/a"
    monkeypatch.setenv("POD_NAMESPACE", "pods")
    assert asyncio.run(enter(LeaseLock("a", config=config))) == "lease pods/a"
    assert asyncio.run(enter(LeaseLock("a", "given", config=config))) == "lease given/a"


def kubeconfig(folder: Path) -> Path:
    contexts = [
        {"name": name, "context": {"cluster": "c", "user": "u", "namespace": f"in-{name}"}}
        for name in ("one", "two")
    ]
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": contexts,
        "current-context": "one",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def test_a_kubeconfig_and_its_context_are_given_explicitly(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path)
    assert asyncio.run(enter(LeaseLock("a", kubeconfig=path))) == "lease in-one/a"
    assert asyncio.run(enter(LeaseLock("a", kubeconfig=str(path), context="two"))) == "lease in-two/a"


def test_the_users_own_kubeconfig_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path)))
    with pytest.raises(ConfigurationError, match=r"run in a Pod, pass kubeconfig=.*TENURE_LOCK=memory"):
        asyncio.run(enter(LeaseLock("a")))


def test_arguments_that_contradict_each_other() -> None:
    config = ClusterConfig(server="http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="context"):
        LeaseLock("a", context="two")
    with pytest.raises(ConfigurationError, match="not both"):
        LeaseLock("a", kubeconfig="x", config=config)
