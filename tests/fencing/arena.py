"""Arenas: a log behind a fence on a real server, the same for every adapter."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
import redis
import redis.asyncio

from tenure.fencing.postgres import CREATE_TABLE, BlockingPostgresFence, PostgresFence
from tenure.fencing.redis import BlockingRedisFence, RedisFence
from tenure.token import FencingToken

__all__ = ["KINDS", "Arena", "Entry", "arena"]

CREATE_LOG = "CREATE TABLE log (position bigserial PRIMARY KEY, token numeric, text text, older bigint)"
# Each write counts what older terms have written, as it sees it: nothing may be added to that afterwards.
WRITE = "INSERT INTO log (token, text, older) SELECT %(t)s, %(x)s, count(*) FROM log WHERE token < %(t)s"
FENCE, LOG = "{tests}:fence", "{tests}:log"


@dataclass(frozen=True)
class Entry:
    """What one write has left in the log; `older`: entries of older terms that it saw, None: not counted."""

    token: int
    text: str
    older: int | None = None


class Arena(ABC):
    """A log whose writes are fenced. Every call has a connection of its own."""

    @abstractmethod
    async def raise_to(self, token: FencingToken) -> None:
        """As the fence does it."""

    @abstractmethod
    async def write(self, token: FencingToken, text: str) -> None:
        """Append to the log, guarded."""

    @abstractmethod
    async def write_unguarded(self, token: FencingToken, text: str) -> None:
        """Append to the log as a program without a fence does."""

    @abstractmethod
    async def log(self) -> list[Entry]:
        """Return the log in the order in which it was written."""


class PostgresArena(Arena):
    """PostgreSQL with asyncio."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.fence = PostgresFence(conninfo)
        with psycopg.connect(conninfo) as connection:
            connection.execute(CREATE_TABLE)
            connection.execute(CREATE_LOG)

    async def raise_to(self, token: FencingToken) -> None:
        await self.fence.raise_to(token)

    async def write(self, token: FencingToken, text: str) -> None:
        async with self.fence.transaction(token) as connection:
            await connection.execute(WRITE, {"t": int(token), "x": text})

    async def write_unguarded(self, token: FencingToken, text: str) -> None:
        async with await psycopg.AsyncConnection.connect(self.conninfo) as connection:
            await connection.execute(WRITE, {"t": int(token), "x": text})

    async def log(self) -> list[Entry]:
        async with await psycopg.AsyncConnection.connect(self.conninfo) as connection:
            rows = await connection.execute("SELECT token, text, older FROM log ORDER BY position")
            return [Entry(int(token), text, older) async for token, text, older in rows]


class BlockingPostgresArena(PostgresArena):
    """PostgreSQL with threads."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(conninfo)
        self.blocking = BlockingPostgresFence(conninfo)

    async def raise_to(self, token: FencingToken) -> None:
        await asyncio.to_thread(self.blocking.raise_to, token)

    async def write(self, token: FencingToken, text: str) -> None:
        def write() -> None:
            with self.blocking.transaction(token) as connection:
                connection.execute(WRITE, {"t": int(token), "x": text})

        await asyncio.to_thread(write)


class RedisArena(Arena):
    """Redis with asyncio."""

    def __init__(self, url: str) -> None:
        self.client = redis.asyncio.Redis.from_url(url)
        self.fence = RedisFence(self.client, FENCE)

    async def raise_to(self, token: FencingToken) -> None:
        await self.fence.raise_to(token)

    async def write(self, token: FencingToken, text: str) -> None:
        await self.fence.write(token, ("RPUSH", LOG, f"{token} {text}"))

    async def write_unguarded(self, token: FencingToken, text: str) -> None:
        await self.client.rpush(LOG, f"{token} {text}")

    async def log(self) -> list[Entry]:
        lines = [line.decode().split(maxsplit=1) for line in await self.client.lrange(LOG, 0, -1)]
        return [Entry(int(token), text) for token, text in lines]


class BlockingRedisArena(RedisArena):
    """Redis with threads."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.blocking_client = redis.Redis.from_url(url)
        self.blocking = BlockingRedisFence(self.blocking_client, FENCE)

    async def raise_to(self, token: FencingToken) -> None:
        await asyncio.to_thread(self.blocking.raise_to, token)

    async def write(self, token: FencingToken, text: str) -> None:
        await asyncio.to_thread(self.blocking.write, token, ("RPUSH", LOG, f"{token} {text}"))


KINDS = {
    "postgres": ("database", PostgresArena),
    "postgres-threads": ("database", BlockingPostgresArena),
    "redis": ("redis_url", RedisArena),
    "redis-threads": ("redis_url", BlockingRedisArena),
}
"""The fixture that says where the server is, and the arena there."""


@asynccontextmanager
async def arena(kind: str, where: str) -> AsyncIterator[Arena]:
    """Open an arena, and close its clients."""
    opened: Arena = KINDS[kind][1](where)
    try:
        yield opened
    finally:
        if isinstance(opened, RedisArena):
            await opened.client.aclose()
        if isinstance(opened, BlockingRedisArena):
            opened.blocking_client.close()
