"""Fixtures that need a real server; registered as a plugin by the tests' conftest."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TypeVar

import pytest
import redis

from tests.cluster.build import BinaryUnavailableError
from tests.servers.packages import is_unpacked, unpacked
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.server import Server

__all__ = ["database", "postgres_server", "redis_cluster", "redis_server", "redis_url"]

ServerT = TypeVar("ServerT", bound=Server)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A running `PostgresServer` for the whole session."""
    get_package(request.config, "postgresql-15")
    with _running(PostgresServer()) as server:
        yield server


@pytest.fixture
def database(postgres_server: PostgresServer) -> str:
    """The conninfo of a new database, for this test alone."""
    return postgres_server.create_database()


@pytest.fixture(scope="session")
def redis_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A running `RedisServer` for the whole session."""
    get_package(request.config, "redis-server")
    with _running(RedisServer()) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of a Redis that is empty."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def redis_cluster(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A running Redis Cluster of one server for the whole session."""
    get_package(request.config, "redis-server")
    with _running(RedisServer(is_cluster=True)) as server:
        yield server


def get_package(config: pytest.Config, package: str) -> None:
    """Fetch what is missing, in sight; without it skip, or fail in CI, where a skip would go unseen."""
    capture = config.pluginmanager.getplugin("capturemanager")
    quick = is_unpacked(package) or not capture
    with contextlib.nullcontext() if quick else capture.global_and_fixture_disabled():
        try:
            unpacked(package)
        except BinaryUnavailableError as error:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@contextlib.contextmanager
def _running(server: ServerT) -> Iterator[ServerT]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
