"""The fence in Redis: one script, in a cluster too, and what a failover loses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import redis
import redis.asyncio

from tenure import ConfigurationError, FencingToken, StaleTokenError
from tenure.fencing.redis import BlockingRedisFence, RedisFence
from tests.servers.redis import RedisServer

OLD, NEW = FencingToken(0, 9, "default/reports"), FencingToken(0, 10, "default/reports")
FENCE, KEY = "{reports}:fence", "{reports}:total"


@pytest.fixture(params=[False, True], ids=["bytes", "text"])
def client(redis_url: str, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=request.param) as client:
        yield client


def test_commands_run_in_order_and_answer(client: redis.Redis) -> None:
    fence = BlockingRedisFence(client, FENCE)
    answers = fence.write(NEW, ("SET", KEY, 1), ("GET", "{reports}:none"), ("INCRBY", KEY, 2), ("TYPE", KEY))
    text = [answer.decode() if isinstance(answer, bytes) else answer for answer in answers]
    assert text == ["OK", None, 3, "string"]


def test_a_refused_token_runs_none_of_them(client: redis.Redis) -> None:
    fence = BlockingRedisFence(client, FENCE)
    fence.raise_to(NEW)
    with pytest.raises(StaleTokenError, match=r"key \{reports\}:fence has seen token 10"):
        fence.write(OLD, ("SET", KEY, 1), ("SET", "{reports}:other", 1))
    assert client.exists(KEY, "{reports}:other") == 0


def test_an_equal_token_writes_nothing_to_the_fence(client: redis.Redis) -> None:
    """So nothing more than the commands goes to replicas."""
    fence = BlockingRedisFence(client, FENCE)
    fence.raise_to(NEW)
    before = client.info("persistence")["rdb_changes_since_last_save"]
    fence.raise_to(NEW)
    assert client.info("persistence")["rdb_changes_since_last_save"] == before


@pytest.mark.parametrize("key", [FENCE, FENCE.encode()])
def test_the_fence_is_not_what_it_protects(client: redis.Redis, key: str | bytes) -> None:
    """To write the protected value to it would take it away."""
    fence = BlockingRedisFence(client, FENCE)
    with pytest.raises(ConfigurationError, match="is the fence itself"):
        fence.write(NEW, ("SET", KEY, 1), ("SET", key, 1))
    assert client.exists(FENCE, KEY) == 0


def test_a_fence_belongs_to_one_election(client: redis.Redis) -> None:
    fence = BlockingRedisFence(client, FENCE)
    fence.raise_to(NEW)
    with pytest.raises(TypeError, match="is the fence of election 'default/reports', not"):
        fence.write(FencingToken(0, 11, "default/others"), ("SET", KEY, 1))
    assert client.exists(KEY) == 0


def test_a_key_that_is_no_fence_is_an_error_of_redis(client: redis.Redis) -> None:
    client.set(FENCE, "something else")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        BlockingRedisFence(client, FENCE).write(NEW, ("SET", KEY, 1))
    assert client.exists(KEY) == 0


def test_what_is_not_a_command_in_words_is_an_error(client: redis.Redis) -> None:
    fence = BlockingRedisFence(client, FENCE)
    for wrong in ("SET", ("FLUSHALL",)):
        with pytest.raises(TypeError, match="not a command in words with its key"):
            fence.write(NEW, wrong)


def test_the_script_is_sent_again_to_a_server_that_has_lost_it(client: redis.Redis) -> None:
    fence = BlockingRedisFence(client, FENCE)
    fence.raise_to(OLD)
    client.script_flush()
    fence.raise_to(NEW)
    with pytest.raises(StaleTokenError):
        fence.raise_to(OLD)


def test_in_a_cluster(redis_cluster: RedisServer) -> None:
    with redis.RedisCluster(host="127.0.0.1", port=redis_cluster.port) as client:
        fence = BlockingRedisFence(client, FENCE)
        fence.raise_to(OLD)
        assert fence.write(NEW, ("SET", KEY, 1), ("INCR", KEY)) == [b"OK", 2]
        with pytest.raises(StaleTokenError):
            fence.write(OLD, ("SET", KEY, 5))
        with pytest.raises(redis.exceptions.RedisClusterException, match="slot"):
            fence.write(NEW, ("SET", "elsewhere", 1))
        assert client.get(KEY) == b"2"


def test_in_a_cluster_with_asyncio(redis_cluster: RedisServer) -> None:
    newer = FencingToken(1, 0, "default/reports")

    async def scene() -> None:
        async with redis.asyncio.RedisCluster(host="127.0.0.1", port=redis_cluster.port) as client:
            fence = RedisFence(client, FENCE)
            assert await fence.write(newer, ("SET", KEY, 7)) == [b"OK"]
            with pytest.raises(StaleTokenError):
                await fence.write(NEW, ("SET", KEY, 5))
            assert await client.get(KEY) == b"7"

    asyncio.run(scene())
