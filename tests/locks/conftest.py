"""Fixtures of the conformance suite: every kind of lock, on every server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.locks.arena import KINDS, Arena, KubeArena, MemoryArena, on_devserver, on_server

SCENARIO_TIMEOUT_S = 120  # a hang guard, nothing that a test measures

ON_DEVSERVER = [pytest.param((kind, "devserver"), id=f"{kind}-devserver") for kind in KINDS]
ON_CLUSTER = [
    pytest.param((kind, "cluster"), id=f"{kind}-cluster", marks=pytest.mark.cluster) for kind in KINDS
]

Play = Callable[[Callable[[Arena], Awaitable[None]]], None]
PlayKube = Callable[[Callable[[KubeArena], Awaitable[None]]], None]


@pytest.fixture(params=[pytest.param(("memory", ""), id="memory"), *ON_DEVSERVER, *ON_CLUSTER])
def play(request: pytest.FixtureRequest) -> Play:
    """Run a scenario against every kind of lock."""
    if request.param[0] == "memory":
        return lambda scenario: asyncio.run(_guarded(scenario(MemoryArena())))
    return _player(request)


@pytest.fixture(params=[*ON_DEVSERVER, *ON_CLUSTER])
def play_kube(request: pytest.FixtureRequest) -> PlayKube:
    """Run a scenario against every kind of lock in the Kubernetes API."""
    return _player(request)


def _player(request: pytest.FixtureRequest) -> PlayKube:
    kind, server = request.param
    if server == "cluster":
        kubeconfig = request.getfixturevalue("cluster").admin_kubeconfig
        namespace = request.getfixturevalue("namespace")

    @asynccontextmanager
    async def enter() -> AsyncIterator[KubeArena]:
        opened = on_devserver(kind) if server == "devserver" else on_server(kind, kubeconfig, namespace)
        async with opened as arena:
            yield arena

    async def scene(scenario: Callable[[KubeArena], Awaitable[None]]) -> None:
        async with enter() as arena:
            await scenario(arena)

    return lambda scenario: asyncio.run(_guarded(scene(scenario)))


async def _guarded(scene: Awaitable[None]) -> None:
    async with asyncio.timeout(SCENARIO_TIMEOUT_S):
        await scene
