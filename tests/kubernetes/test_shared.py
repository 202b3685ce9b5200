"""Shared clients: one per event loop and config, closed with its last user, never inherited by a fork."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import AsyncExitStack

import pytest

from tenure.kubernetes import shared
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.credentials import BearerToken
from tenure.kubernetes.material import Material
from tenure.kubernetes.resource import LEASES
from tenure.kubernetes.shared import shared_client
from tests.kubernetes.server import Answer, ApiServer, lease


def config(server: ApiServer, namespace: str = "default", token: str = "t") -> ClusterConfig:
    credentials = BearerToken(Material(data=token))
    return ClusterConfig(server=server.url, namespace=namespace, credentials=credentials)


def test_equal_configs_share_one_client_until_the_last_user_leaves() -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            async with shared_client(config(server)) as first:
                async with shared_client(config(server, "other")) as second:
                    assert second is first
                    await second.get(LEASES, "default", "reports", timeout=10)
                await first.get(LEASES, "default", "reports", timeout=10)
                assert server.connections == 1
            await server.wait_all_closed()
            async with shared_client(config(server)) as third:
                assert third is not first
        assert shared._entries == {}

    asyncio.run(main())


def test_another_identity_is_another_client() -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server, AsyncExitStack() as stack:
            one = await stack.enter_async_context(shared_client(config(server, token="one")))
            two = await stack.enter_async_context(shared_client(config(server, token="two")))
            assert one is not two

    asyncio.run(main())


def test_each_event_loop_has_its_own() -> None:
    seen: list[object] = []
    barrier = threading.Barrier(2)
    same = ClusterConfig(server="http://127.0.0.1:1")

    async def main() -> None:
        async with shared_client(same) as client:
            seen.append(client)
            await asyncio.to_thread(barrier.wait)

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in seen}) == 2
    assert shared._entries == {}


def test_a_second_run_is_not_given_what_the_first_left_behind() -> None:
    same = ClusterConfig(server="http://127.0.0.1:1")
    left: list[object] = []

    async def leave() -> None:
        # Entered and never left: what happens when a loop is stopped in mid-use.
        left.append(shared_client(same))
        await left[0].__aenter__()  # type: ignore[attr-defined]

    async def again() -> None:
        async with shared_client(same):
            assert len(shared._entries) == 1

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    loop.close()
    asyncio.run(again())
    assert shared._entries == {}
    left.clear()


def test_a_failing_user_does_not_keep_the_client() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="mine"):
            async with shared_client(ClusterConfig(server="http://127.0.0.1:1")):
                raise ValueError("mine")
        assert shared._entries == {}

    asyncio.run(main())


def test_a_forked_child_makes_its_own_connections() -> None:
    async def ask(same: ClusterConfig) -> None:
        async with shared_client(same) as client:
            await client.get(LEASES, "default", "reports", timeout=20)

    def in_child(same: ClusterConfig) -> None:
        code = 1
        try:
            # A thread, because this one still carries the parent's running loop on its stack.
            thread = threading.Thread(target=asyncio.run, args=(ask(same),))
            thread.start()
            thread.join()
            code = 0
        finally:
            os._exit(code)

    async def main() -> None:
        async with ApiServer(Answer(lease())) as server, shared_client(config(server)) as client:
            await client.get(LEASES, "default", "reports", timeout=10)
            pid = os.fork()
            if pid == 0:
                in_child(config(server))
            _, result = await asyncio.to_thread(os.waitpid, pid, 0)
            assert os.waitstatus_to_exitcode(result) == 0
            await client.get(LEASES, "default", "reports", timeout=10)
            # The child had a connection of its own, and the parent's still works.
            assert [seen.connection for seen in server.seen] == [1, 2, 1]

    asyncio.run(main())


def test_a_forked_child_forgets_the_clients_of_its_parent() -> None:
    async def main() -> None:
        async with shared_client(ClusterConfig(server="http://127.0.0.1:1")):
            pid = os.fork()
            if pid == 0:
                os._exit(len(shared._entries))
            _, result = await asyncio.to_thread(os.waitpid, pid, 0)
            assert os.waitstatus_to_exitcode(result) == 0
            assert len(shared._entries) == 1

    asyncio.run(main())
