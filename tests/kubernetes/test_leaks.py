"""Nothing is left behind: no socket, no task, whenever a call is cancelled or the client is closed."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from tenure.errors import LockUnavailableError
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.material import Material
from tenure.kubernetes.resource import LEASES
from tests.kubernetes.authority import Authority
from tests.kubernetes.proxy import Proxy
from tests.kubernetes.server import Answer, ApiServer, Conversation, Seen, lease
from tests.kubernetes.weather import BlackHole, get


def open_sockets() -> set[str]:
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.mark.parametrize("proxied", [False, True])
def test_300_cancelled_calls_leave_neither_socket_nor_task(tmp_path: Path, proxied: bool) -> None:
    authority = Authority()
    chance = random.Random(7)

    async def main() -> None:
        hole = BlackHole()
        tls = authority.server_context(tmp_path)
        async with ApiServer(handler=hole, tls=tls) as server, Proxy() as proxy:
            config = ClusterConfig(
                server=server.url,
                certificate_authority=Material(data=authority.pem),
                proxy_url=f"http://127.0.0.1:{proxy.port}" if proxied else "",
            )
            await asyncio.sleep(0)
            before, tasks = open_sockets(), asyncio.all_tasks()
            client = Client(config)
            for _ in range(30):
                hole.swallowing = chance.random() < 0.5
                calls = [asyncio.create_task(get(client)) for _ in range(10)]
                for _ in range(chance.randrange(60)):
                    await asyncio.sleep(0)
                for call in calls:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)
            hole.swallowing = False
            assert await get(client) == lease()
            await client.aclose()
            async with asyncio.timeout(60):
                while open_sockets() - before or asyncio.all_tasks() - tasks:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_closed_client_fails_its_calls_and_opens_no_more() -> None:
    async def main() -> None:
        hole = BlackHole()
        async with ApiServer(handler=hole) as server:
            client = Client(ClusterConfig(server=server.url))
            await get(client)
            hole.swallowing = True
            running = asyncio.create_task(get(client))
            while len(server.seen) < 2:  # noqa: ASYNC110  # the server has no event for it
                await asyncio.sleep(0)
            await client.aclose()
            for call in (running, get(client)):
                with pytest.raises(LockUnavailableError, match="the client is closed"):
                    await call
            await server.wait_all_closed()
            assert server.connections == 1

    asyncio.run(main())


def test_closing_the_client_ends_watches_that_outlived_a_timeout() -> None:
    async def handler(seen: Seen, conversation: Conversation) -> Answer | None:
        if "watch=true" in seen.path:
            await conversation.begin_chunks()
            await conversation.chunk(b'{"type":"ADDED","object":{"metadata":{}}}\n')
        await conversation.wait_closed_by_peer()
        return None

    async def main() -> None:
        async with ApiServer(handler=handler) as server:
            client = Client(ClusterConfig(server=server.url))
            events = client.watch(LEASES, "default", resource_version="1")
            await anext(events)
            with pytest.raises(LockUnavailableError):
                await get(client, timeout=0.05)
            await client.aclose()
            await server.wait_all_closed()
            with pytest.raises(LockUnavailableError):
                await anext(events)

    asyncio.run(main())


def test_closing_the_client_at_any_moment_of_a_call_leaves_no_socket(tmp_path: Path) -> None:
    authority = Authority()

    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=authority.server_context(tmp_path)) as server:
            before = open_sockets()
            for steps in range(40):
                config = ClusterConfig(server=server.url, certificate_authority=Material(data=authority.pem))
                client = Client(config)
                call = asyncio.create_task(get(client))
                for _ in range(steps):
                    await asyncio.sleep(0)
                await client.aclose()
                await asyncio.gather(call, return_exceptions=True)
            async with asyncio.timeout(60):
                while open_sockets() - before:  # noqa: ASYNC110  # the kernel has no event for it
                    await asyncio.sleep(0.01)

    asyncio.run(main())
