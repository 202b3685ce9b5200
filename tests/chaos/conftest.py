"""Fixtures for the tests of the network's faults."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.chaos.network import Network
from tests.chaos.way import Way
from tests.cluster.server import Cluster, ServiceAccount

RULES = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]


@pytest.fixture
def account(cluster: Cluster, namespace: str) -> ServiceAccount:
    """Somebody who may do everything with ConfigMaps."""
    return cluster.service_account(namespace, "candidate", RULES)


@pytest.fixture
def network(cluster: Cluster, account: ServiceAccount) -> Iterator[Network]:
    """One of two places, named a and b."""
    with Network(cluster, account, ["a", "b"]) as network:
        yield network


@pytest.fixture
def way(cluster: Cluster, account: ServiceAccount, network: Network) -> Iterator[Way]:
    """The way from place a."""
    way = Way(cluster, account, network.places[0])
    yield way
    way.close()


@pytest.fixture
def wired_way(way: Way, network: Network) -> Way:
    """The same, where packets can be lost."""
    if network.lacking:
        (pytest.fail if _has_namespaces() else pytest.skip)(f"no network namespaces: {network.lacking}")
    return way


def _has_namespaces() -> bool:
    """Ask somebody else."""
    needed = [shutil.which(tool) for tool in ("unshare", "nsenter", "ip")]
    if not all(needed) or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return False
    return subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL).returncode == 0
