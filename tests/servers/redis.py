"""RedisServer: a real Redis on loopback, alone or as a cluster of one."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from tests.servers.packages import unpacked
from tests.servers.server import Server
from tests.sidecar.process import free_port

__all__ = ["RedisServer"]

_SLOTS = 16384


class RedisServer(Server):
    """Redis 7, in memory only.

    Args:
        is_cluster: it enforces the rules of Redis Cluster; it owns all slots.
    """

    name = "redis"

    def __init__(self, *, is_cluster: bool = False) -> None:
        self._is_cluster = is_cluster
        self.port = 0

    def prepare(self) -> Sequence[str]:
        root = unpacked("redis-server")
        libraries = ":".join(str(path) for path in (root / "usr/lib").glob("*-linux-gnu"))
        self.port = free_port()
        cluster = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
        return (
            "/usr/bin/env",
            f"LD_LIBRARY_PATH={libraries}",
            str(root / "usr/bin/redis-server"),
            *("--bind", "127.0.0.1", "--port", str(self.port)),
            *("--save", "", "--dir", str(self.folder), "--repl-diskless-sync-delay", "0"),
            *(cluster if self._is_cluster else ()),
        )

    def is_ready(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                client.ping()
                if not self._is_cluster:
                    return True
                if client.cluster("info")["cluster_slots_assigned"] == "0":
                    client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, _SLOTS - 1)
                return bool(client.cluster("info")["cluster_state"] == "ok")
        except redis.ConnectionError:
            return False

    @property
    def url(self) -> str:
        """What `Redis.from_url` takes."""
        return f"redis://127.0.0.1:{self.port}"
