"""Fences in Redis: one script compares the token and runs the commands that it guards.

A fence is as durable as its Redis. What an asynchronous failover loses is told in ``docs/fencing.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from tenure.errors import ConfigurationError
from tenure.fencing.fence import demand_election, stale
from tenure.token import FencingToken

try:
    import redis
    import redis.asyncio
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("tenure.fencing.redis needs redis-py: pip install 'tenure[redis]'") from error

__all__ = ["BlockingRedisFence", "Command", "RedisFence"]

Command: TypeAlias = Sequence[str | bytes | int | float]
"""A command of Redis in words: its name, the key that it writes, and the rest."""

_PASSED, _STALE, _FOREIGN = range(3)

# Tokens are compared as text: Lua's numbers are exact to 2**53 only. An equal token writes nothing to the
# fence, so that replicas and the append-only file get the user's commands alone.
_SCRIPT = f"""
local token, election = ARGV[1], ARGV[2]
local known = redis.call('HMGET', KEYS[1], 'token', 'election')
local highest = known[1] or ''
if known[2] and known[2] ~= election then
  return {{{_FOREIGN}, known[2]}}
end
if #token < #highest or (#token == #highest and token < highest) then
  return {{{_STALE}, highest}}
end
if token ~= highest then
  redis.call('HSET', KEYS[1], 'token', token, 'election', election)
end
local results, at = {{}}, 3
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  results[#results + 1] = redis.call(unpack(ARGV, at + 1, last))
  at = last + 1
end
return {{{_PASSED}, results}}
"""


class RedisFence:
    """A fence in one key of a Redis, for asyncio.

    Args:
        client: of redis-py, a `redis.asyncio.Redis` or `RedisCluster`.
        key: of the fence, a hash. It must neither expire nor be evicted. In a cluster it shares the hash tag
            of the keys that it protects, as ``{reports}:fence`` does with ``{reports}:total``.
    """

    def __init__(self, client: redis.asyncio.Redis | redis.asyncio.RedisCluster, key: str) -> None:
        self._key = key
        self._script = client.register_script(_SCRIPT)

    async def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token`; see `tenure.fencing.fence.Fence`.

        Raises:
            StaleTokenError: it has seen a higher token. An equal one passes.
            ConfigurationError: the token names no election.
            TypeError: the fence belongs to another election.
            redis.RedisError: Redis failed; it may be repeated.
        """
        await self.write(token)

    async def write(self, token: FencingToken, *commands: Command) -> list[Any]:
        """Run commands that `token` guards, all of them in one script: ``write(token, ("SET", key, value))``.

        A command that fails ends the script, and those before it stay done, as with MULTI. The word after a
        command's name is declared as its key; a further key must be in the same hash slot.

        Returns:
            what Redis answers to each command, not decoded further.

        Raises:
            StaleTokenError: a later term has begun, and nothing was written.
            ConfigurationError: the token names no election, or a command is about the fence's own key.
            TypeError: the fence belongs to another election, or a command is not a sequence of words.
            redis.RedisError: Redis failed. If it gave no answer, the commands may have been run; redis-py may
                have sent them again by itself (its ``retry``).
        """
        keys, arguments = _parts(self._key, token, commands)
        return _judged(await self._script(keys, arguments), self._key, token)


class BlockingRedisFence:
    """`RedisFence` for threads: the same methods without ``async``.

    Args:
        client: a `redis.Redis` or `RedisCluster`.
        key: as there.
    """

    def __init__(self, client: redis.Redis | redis.RedisCluster, key: str) -> None:
        self._key = key
        self._script = client.register_script(_SCRIPT)

    def raise_to(self, token: FencingToken) -> None:
        self.write(token)

    def write(self, token: FencingToken, *commands: Command) -> list[Any]:
        keys, arguments = _parts(self._key, token, commands)
        return _judged(self._script(keys, arguments), self._key, token)


def _parts(
    key: str, token: FencingToken, commands: Sequence[Command]
) -> tuple[list[Any], list[str | bytes | int | float]]:
    """Return the keys and the arguments of the script."""
    demand_election(token)
    keys: list[Any] = [key]
    arguments: list[str | bytes | int | float] = [str(token), token.election]
    for command in commands:
        if isinstance(command, str | bytes) or len(command) < 2:
            raise TypeError(f"not a command in words with its key: {command!r}; try ('SET', key, value)")
        if command[1] in (key, key.encode()):
            raise ConfigurationError(f"key {key} is the fence itself: what it protects has keys of its own")
        keys.append(command[1])
        arguments += [len(command), *command]
    return keys, arguments


def _judged(answer: Any, key: str, token: FencingToken) -> list[Any]:
    """Return the results in the script's answer, or raise what it refused the token for."""
    verdict, told = answer
    if verdict == _STALE:
        raise stale(f"key {key}", int(told), token)
    if verdict == _FOREIGN:
        owner = told.decode() if isinstance(told, bytes) else told
        raise TypeError(f"key {key} is the fence of election {owner!r}, not of {token.election!r}")
    return list(told)
