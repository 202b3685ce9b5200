"""Where Kubernetes objects are fenced: a namespace on the embedded API server and on the real one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tenure.testing.pytest_plugin import RunningDevServer
from tests.devserver.api import Api

__all__ = ["Place", "place"]


@dataclass(frozen=True)
class Place:
    """A namespace of a running API server."""

    kubeconfig: Path
    namespace: str
    api: Api
    ca_file: str = ""


@pytest.fixture(params=["devserver", pytest.param("kube-apiserver", marks=pytest.mark.cluster)])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A namespace of one test; programs that are started find it in their environment."""
    if request.param == "devserver":
        server: RunningDevServer = request.getfixturevalue("tenure_devserver")
        found = Place(server.kubeconfig, "default", Api(server.url))
    else:
        cluster, namespace = request.getfixturevalue("cluster"), request.getfixturevalue("namespace")
        client = Api(
            cluster.url, token=cluster.admin_token, ca_file=str(cluster.ca_file), namespace=namespace
        )
        found = Place(cluster.admin_kubeconfig, namespace, client, str(cluster.ca_file))
    monkeypatch.setenv("POD_NAMESPACE", found.namespace)
    return found
