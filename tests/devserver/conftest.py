"""One client for both servers: what is tested of the embedded one is tested of the real one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tenure.devserver import DevServer, running_devserver
from tests.devserver.api import Api


@pytest.fixture(scope="session")
def session_devserver() -> Iterator[DevServer]:
    """One embedded server for all behaviour tests, as there is one real one."""
    with running_devserver() as server:
        yield server


@pytest.fixture(params=["devserver", pytest.param("kube-apiserver", marks=pytest.mark.cluster)])
def api(request: pytest.FixtureRequest, session_devserver: DevServer) -> Api:
    """A client with a new namespace of its own, on each of the two servers."""
    if request.param == "devserver":
        client = Api(session_devserver.url)
    else:
        cluster = request.getfixturevalue("cluster")
        client = Api(cluster.url, token=cluster.admin_token, ca_file=str(cluster.ca_file))
    client.namespace = f"test-{secrets.token_hex(4)}"
    assert client.request("POST", "/api/v1/namespaces", {"metadata": {"name": client.namespace}}).code == 201
    return client
