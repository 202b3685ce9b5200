"""The client against a real API server: the translations of the scripted tests hold there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from tenure.errors import ConflictError, LockUnavailableError, PermissionDeniedError
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig, in_cluster
from tenure.kubernetes.credentials import BearerToken
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.material import Material
from tenure.kubernetes.resource import CONFIGMAPS, ENDPOINTS, LEASES, Resource
from tenure.kubernetes.status import NotFoundError
from tests.cluster.server import Cluster

pytestmark = pytest.mark.cluster

T = 20.0


@asynccontextmanager
async def client_of(config: ClusterConfig) -> AsyncIterator[Client]:
    client = Client(config)
    try:
        yield client
    finally:
        await client.aclose()


def body(resource: Resource, name: str = "reports") -> dict[str, Any]:
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name}}


@pytest.mark.parametrize("resource", [LEASES, CONFIGMAPS, ENDPOINTS], ids=lambda each: each.plural)
def test_every_call_and_its_errors(cluster: Cluster, namespace: str, resource: Resource) -> None:
    async def main() -> None:
        async with client_of(load_kubeconfig(cluster.admin_kubeconfig)) as client:
            with pytest.raises(NotFoundError):
                await client.get(resource, namespace, "reports", timeout=T)
            created = await client.create(resource, namespace, body(resource), timeout=T)
            with pytest.raises(ConflictError, match="already exists"):
                await client.create(resource, namespace, body(resource), timeout=T)
            assert await client.get(resource, namespace, "reports", timeout=T) == created
            created["metadata"]["labels"] = {"a": "b"}
            replaced = await client.replace(resource, namespace, "reports", created, timeout=T)
            with pytest.raises(ConflictError, match="has been modified"):
                await client.replace(resource, namespace, "reports", created, timeout=T)
            merge = {"metadata": {"annotations": {"c": "d"}}}
            kind = "application/merge-patch+json"
            patched = await client.patch(resource, namespace, "reports", merge, content_type=kind, timeout=T)
            assert patched["metadata"]["labels"] == replaced["metadata"]["labels"]
            found = await client.list(
                resource, namespace, field_selector="metadata.name=reports", label_selector="a=b", timeout=T
            )
            assert [each["metadata"]["uid"] for each in found["items"]] == [patched["metadata"]["uid"]]
            uid = patched["metadata"]["uid"]
            with pytest.raises(ConflictError):
                await client.delete(resource, namespace, "reports", uid="another", timeout=T)
            await client.delete(resource, namespace, "reports", uid=uid, timeout=T)
            with pytest.raises(NotFoundError):
                await client.delete(resource, namespace, "reports", timeout=T)
            with pytest.raises(LockUnavailableError, match='namespaces "missing" not found') as caught:
                await client.create(resource, "missing", body(resource), timeout=T)
            assert caught.value.refused

    asyncio.run(main())


def test_an_object_or_a_resource_that_the_server_does_not_take(cluster: Cluster, namespace: str) -> None:
    async def main() -> None:
        async with client_of(load_kubeconfig(cluster.admin_kubeconfig)) as client:
            with pytest.raises(LockUnavailableError, match=r"422 .*invalid") as caught:
                await client.create(LEASES, namespace, body(LEASES, "No_Name"), timeout=T)
            assert caught.value.refused
            unknown = Resource("nobody.example", "v1", "things", "Thing")
            with pytest.raises(LockUnavailableError, match="404"):
                await client.get(unknown, namespace, "reports", timeout=T)

    asyncio.run(main())


def test_a_watch_sees_the_life_of_one_object_and_ends_with_the_server(
    cluster: Cluster, namespace: str
) -> None:
    async def main() -> None:
        async with client_of(load_kubeconfig(cluster.admin_kubeconfig)) as client:
            selector = "metadata.name=reports"
            listed = await client.list(LEASES, namespace, field_selector=selector, timeout=T)
            watch = client.watch(
                LEASES,
                namespace,
                resource_version=listed["metadata"]["resourceVersion"],
                field_selector=selector,
                timeout_seconds=1,
            )
            async with aclosing(watch) as events:
                await client.create(LEASES, namespace, body(LEASES, "other"), timeout=T)
                created = await client.create(LEASES, namespace, body(LEASES), timeout=T)
                await client.delete(LEASES, namespace, "reports", timeout=T)
                seen = [event async for event in events if event.type != "BOOKMARK"]
            assert [event.type for event in seen] == ["ADDED", "DELETED"]
            assert seen[0].object["metadata"]["uid"] == created["metadata"]["uid"]

    asyncio.run(main())


def test_a_pod_may_do_what_its_role_says_and_is_told_what_is_missing(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": ["reports"],
        "verbs": ["get", "watch"],
    }
    account = cluster.service_account(namespace, "worker", [rule])
    host, _, port = cluster.url.removeprefix("https://").rpartition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    cluster.request("POST", LEASES.path(namespace), body(LEASES))

    async def main() -> None:
        config = in_cluster(account.mount)
        assert config.namespace == namespace
        async with client_of(config) as client:
            found = await client.get(LEASES, namespace, "reports", timeout=T)
            version = found["metadata"]["resourceVersion"]
            watch = client.watch(
                LEASES,
                namespace,
                resource_version=version,
                field_selector="metadata.name=reports",
                timeout_seconds=1,
            )
            assert [event async for event in watch if event.type != "BOOKMARK"] == []
            for call, verb in (
                (client.replace(LEASES, namespace, "reports", found, timeout=T), "update"),
                (client.create(LEASES, namespace, body(LEASES), timeout=T), "create"),
            ):
                with pytest.raises(PermissionDeniedError, match="cannot") as caught:
                    await call
                text = str(caught.value)
                missing = json.loads(text[text.index("{") : text.index("}") + 1])
                assert missing.pop("verbs") == [verb]
                assert missing.get("resourceNames", []) == ([] if verb == "create" else ["reports"])

    asyncio.run(main())


def test_a_frozen_server_is_a_timeout_and_serves_again_afterwards(cluster: Cluster, namespace: str) -> None:
    async def main() -> None:
        async with client_of(load_kubeconfig(cluster.admin_kubeconfig)) as client:
            created = await client.create(LEASES, namespace, body(LEASES), timeout=T)
            cluster.pause()
            try:
                with pytest.raises(LockUnavailableError, match="no answer within") as caught:
                    await client.replace(LEASES, namespace, "reports", created, timeout=1)
                assert not caught.value.refused
            finally:
                cluster.resume()
            found = await client.get(LEASES, namespace, "reports", timeout=T)
            assert found["metadata"]["uid"] == created["metadata"]["uid"]

    asyncio.run(main())


def test_a_token_of_nobody_is_unauthorized(cluster: Cluster, namespace: str) -> None:
    async def main() -> None:
        config = load_kubeconfig(cluster.admin_kubeconfig)
        async with client_of(replace(config, credentials=BearerToken(Material(data="nobody")))) as client:
            with pytest.raises(LockUnavailableError, match="401 Unauthorized") as caught:
                await client.get(LEASES, namespace, "reports", timeout=T)
            assert caught.value.unauthorized

    asyncio.run(main())
