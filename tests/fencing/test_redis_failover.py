"""What an asynchronous failover of Redis loses, and how a term can see to it that it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tenure import FencingToken, StaleTokenError
from tenure.fencing.redis import BlockingRedisFence
from tests.servers.redis import RedisServer
from tests.sidecar.process import eventually

OLD, NEW = FencingToken(0, 9, "default/reports"), FencingToken(0, 10, "default/reports")
FENCE = "{reports}:fence"


class Pair:
    """A Redis and a replica of it."""

    def __init__(self) -> None:
        self._servers = [RedisServer(), RedisServer()]
        for server in self._servers:
            server.start()
        # One connection for all commands: WAIT waits for the writes of its own connection.
        self.primary, self.replica = (
            redis.Redis(port=server.port, single_connection_client=True) for server in self._servers
        )
        self.replica.replicaof("127.0.0.1", self._servers[0].port)
        eventually(lambda: self.replica.info("replication")["master_link_status"] == "up")

    def cut(self) -> None:
        """Let the replica hear nothing any more."""
        self.replica.replicaof("127.0.0.1", 1)

    def promote(self) -> redis.Redis:
        """Lose the primary, and go on with the replica."""
        self._servers[0].stop()
        self.replica.replicaof("NO", "ONE")
        return self.replica

    def close(self) -> None:
        for client, server in zip((self.primary, self.replica), self._servers, strict=True):
            client.close()
            server.stop()


@pytest.fixture
def pair(redis_server: RedisServer) -> Iterator[Pair]:
    pair = Pair()
    try:
        yield pair
    finally:
        pair.close()


def test_a_raise_that_no_replica_has_is_lost_and_wait_tells(pair: Pair) -> None:
    fence = BlockingRedisFence(pair.primary, FENCE)
    fence.raise_to(OLD)
    assert pair.primary.wait(1, 0) == 1
    pair.cut()
    fence.raise_to(NEW)
    assert pair.primary.wait(1, 50) == 0
    promoted = BlockingRedisFence(pair.promote(), FENCE)
    promoted.raise_to(OLD)  # which the lost primary would have refused


def test_a_raise_that_the_replica_has_survives(pair: Pair) -> None:
    fence = BlockingRedisFence(pair.primary, FENCE)
    fence.raise_to(NEW)
    assert pair.primary.wait(1, 0) == 1
    promoted = BlockingRedisFence(pair.promote(), FENCE)
    with pytest.raises(StaleTokenError):
        promoted.raise_to(OLD)
