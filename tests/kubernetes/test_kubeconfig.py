"""Every way in that a kubeconfig can describe: what arrives at the server is checked."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.resource import LEASES
from tests.kubernetes.authority import Authority
from tests.kubernetes.server import Answer, ApiServer, lease


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(folder: Path, cluster: dict[str, Any], user: dict[str, Any], name: str = "config") -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "jobs"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / name
    path.write_text(yaml.safe_dump(content))
    return path


async def ask(config: ClusterConfig) -> None:
    client = Client(config)
    try:
        await client.get(LEASES, "default", "reports", timeout=20)
    finally:
        await client.aclose()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_token(authority: Authority, tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=authority.server_context(tmp_path)) as server:
            cluster = {"server": server.url, "certificate-authority-data": encoded(authority.pem)}
            config = load_kubeconfig(kubeconfig(tmp_path, cluster, {"token": "abc"}))
            assert config.namespace == "jobs"
            await ask(config)
            assert server.seen[0].headers["authorization"] == "Bearer abc"

    asyncio.run(main())
