"""The fixture for users' own tests."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

from tenure.testing.pytest_plugin import RunningDevServer, tenure_devserver
from tests.devserver.api import Api, lease

__all__ = ["tenure_devserver"]

LEASES = "leases.coordination.k8s.io"


def test_the_fixture_is_a_running_server(tenure_devserver: RunningDevServer) -> None:
    assert Api(tenure_devserver.url).post(LEASES, lease()).code == 201
    config = json.loads(tenure_devserver.kubeconfig.read_text())
    assert config["clusters"][0]["cluster"]["server"] == tenure_devserver.url
    assert [request.method for request in tenure_devserver.server.requests] == ["POST"]


def test_the_fixture_begins_empty(tenure_devserver: RunningDevServer) -> None:
    assert Api(tenure_devserver.url).get(LEASES).body["items"] == []


def test_the_fixture_serves_while_a_loop_runs(tenure_devserver: RunningDevServer) -> None:
    async def main() -> None:  # the server answers although this thread's loop stands still
        assert Api(tenure_devserver.url).get(LEASES).code == 200

    asyncio.run(main())


def test_loading_the_plugin_loads_no_server() -> None:
    code = "import sys, tenure.testing.pytest_plugin; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "tenure.testing.pytest_plugin" in output.split()
    assert {"uvicorn", "starlette", "tenure.serving", "tenure.devserver"}.isdisjoint(output.split())
