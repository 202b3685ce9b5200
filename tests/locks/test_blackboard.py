"""The blackboard as people use it: `kubectl` writes the name, reads it and clears it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from tenure.errors import PermissionDeniedError
from tenure.locks.blackboard import BlackboardLock
from tenure.record import Record
from tests.cluster.server import Cluster
from tests.locks.arena import TIMEOUT_S, KubeArena, on_devserver
from tests.locks.test_conformance import LED, RENEWED, record_of

GET_AND_UPDATE = {
    "apiGroups": [""],
    "resources": ["configmaps"],
    "resourceNames": ["blackboard"],
    "verbs": ["get", "update"],
}


def play(scenario: Callable[[KubeArena], Awaitable[None]]) -> None:
    async def scene() -> None:
        async with on_devserver("blackboard") as arena:
            await scenario(arena)

    asyncio.run(asyncio.wait_for(scene(), 60))


@pytest.mark.parametrize("sections", [{}, {"data": {"leader": ""}}, {"data": {"motd": "hi"}}])
def test_it_starts_from_a_configmap_that_names_nobody(sections: dict[str, Any]) -> None:
    async def scenario(arena: KubeArena) -> None:
        await arena.create(**sections)
        async with arena.session() as session:
            found = await session.read(timeout=TIMEOUT_S)
            assert found.record == Record(holder="")
            await session.replace(found, LED, timeout=TIMEOUT_S)
        assert (await arena.get())["data"] == {**sections.get("data", {}), "leader": "a"}

    play(scenario)


def test_a_name_written_by_hand_never_expires_and_an_emptied_one_is_free_at_once() -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.session() as session:
            led = await session.create(replace(LED, transitions=4), timeout=TIMEOUT_S)
            await arena.patch({"data": {"leader": "operator"}})
            held = record_of(await session.read(timeout=TIMEOUT_S))
            assert held == Record(holder="operator", lease_duration=math.inf, transitions=4)
            await arena.patch({"data": {"leader": ""}})
            freed = await session.read(timeout=TIMEOUT_S)
            assert freed.record == Record(holder="", transitions=4)
            assert freed.uid == led.uid

    play(scenario)


@pytest.mark.cluster
def test_it_works_with_get_and_update_on_that_one_configmap(cluster: Cluster, namespace: str) -> None:
    account = cluster.service_account(namespace, "worker", [GET_AND_UPDATE])
    cluster.kubectl("-n", namespace, "create", "configmap", "blackboard", "--from-literal=leader=")

    async def scenario() -> None:
        lock = BlackboardLock("blackboard", namespace, kubeconfig=account.kubeconfig)
        async with lock.open() as session:
            free = await session.read(timeout=TIMEOUT_S)
            assert free.record == Record(holder="")
            led = await session.replace(free, LED, timeout=TIMEOUT_S)
            shown = await asyncio.to_thread(
                cluster.kubectl, "-n", namespace, "get", "configmap", "blackboard", "-o", "yaml"
            )
            assert "\ndata:\n  leader: a\n" in shown
            await session.replace(led, RENEWED, timeout=TIMEOUT_S)
            with pytest.raises(PermissionDeniedError, match="watch"):
                await anext(session.watch(led))
            with pytest.raises(PermissionDeniedError, match="create"):
                await session.create(LED, timeout=TIMEOUT_S)
            patch = ("patch", "configmap", "blackboard", "--type=merge", "-p", '{"data":{"leader":""}}')
            await asyncio.to_thread(cluster.kubectl, "-n", namespace, *patch)
            freed = await session.read(timeout=TIMEOUT_S)
        assert record_of(freed).holder == ""

    asyncio.run(scenario())
