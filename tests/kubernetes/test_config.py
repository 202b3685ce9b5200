"""What a Pod's own mounts give, and that their rotation is followed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig, in_cluster
from tenure.kubernetes.resource import LEASES
from tests.kubernetes.authority import Authority
from tests.kubernetes.server import Answer, ApiServer, lease


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Authority]:
    authority = Authority()
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("first\n")
    (folder / "ca.crt").write_text(authority.pem)
    (folder / "namespace").write_text("jobs\n")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    return folder, authority


def in_pod(folder: Path, server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ClusterConfig:
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    return in_cluster(folder)


def test_token_authority_and_namespace_of_the_pod_are_used(
    pod: tuple[Path, Authority], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, authority = pod

    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=authority.server_context(tmp_path)) as server:
            config = in_pod(folder, server, monkeypatch)
            assert config.namespace == "jobs"
            client = Client(config)
            found = await client.get(LEASES, config.namespace, "reports", timeout=5)
            await client.aclose()
            assert found == lease()
            assert server.seen[0].path == "/apis/coordination.k8s.io/v1/namespaces/jobs/leases/reports"
            assert server.seen[0].headers["authorization"] == "Bearer first"
            assert server.seen[0].headers["user-agent"].startswith("tenure/")

    asyncio.run(main())
