"""Fixtures that need the real API server; registered as a plugin by the tests' conftest."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster.build import BinaryUnavailableError, binary, missing
from tests.cluster.client_go import ClientGoCandidate
from tests.cluster.server import Cluster

__all__ = ["StartClientGo", "client_go", "cluster", "get_binaries", "namespace"]

StartClientGo = Callable[..., ClientGoCandidate]


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A running `Cluster` for the whole session, built before its first use."""
    get_binaries(request.config, "etcd", "kube-apiserver", "kubectl")
    running = Cluster()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """The name of a new namespace, for this test alone."""
    readable = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    return cluster.namespace(f"{readable}-{secrets.token_hex(4)}")


@pytest.fixture
def client_go(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Iterator[StartClientGo]:
    """Start client-go candidates: ``client_go(identity, name="election", **options of ClientGoCandidate)``.

    They campaign in the test's own namespace, as administrator; those that still run at its end are killed.
    """
    get_binaries(request.config, "candidate-v0.36", "candidate-v0.23")
    started: list[ClientGoCandidate] = []

    def start(identity: str, name: str = "election", **options: Any) -> ClientGoCandidate:
        candidate = ClientGoCandidate(cluster.admin_kubeconfig, namespace, name, identity, **options)
        candidate.start()
        started.append(candidate)
        return candidate

    yield start
    for candidate in started:
        candidate.kill()


def get_binaries(config: pytest.Config, *names: str) -> None:
    """Build what is missing, in sight; without it skip, or fail in CI, where a skip would go unseen."""
    capture = config.pluginmanager.getplugin("capturemanager")
    in_sight = capture.global_and_fixture_disabled if capture and missing(*names) else contextlib.nullcontext
    try:
        with in_sight():
            for name in names:
                binary(name)
    except BinaryUnavailableError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
