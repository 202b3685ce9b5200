"""Fixtures of the conformance suite: every kind of lock, on every server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.locks.arena import KINDS, Arena, KubeArena, MemoryArena, MultiArena, on_devserver, on_server

SCENARIO_TIMEOUT_S = 60  # a hang guard, nothing that a test measures


def _on_servers(*kinds: str) -> list[Any]:
    return [
        *(pytest.param((kind, "devserver"), id=f"{kind}-devserver") for kind in kinds),
        *(pytest.param((kind, "cluster"), id=f"{kind}-cluster", marks=pytest.mark.cluster) for kind in kinds),
    ]


Play = Callable[[Callable[[Arena], Awaitable[None]]], None]
PlayKube = Callable[[Callable[[KubeArena], Awaitable[None]]], None]


@pytest.fixture(params=[pytest.param(("memory", ""), id="memory"), *_on_servers(*KINDS, "multi")])
def play(request: pytest.FixtureRequest) -> Play:
    """Run a scenario against every kind of lock."""
    kind = request.param[0]
    if kind == "memory":
        return lambda scenario: asyncio.run(_guarded(scenario(MemoryArena())))
    if kind == "multi":
        return lambda scenario: _player(request, "configmap")(lambda arena: scenario(_with_lease(arena)))
    return _player(request, kind)


@pytest.fixture(params=_on_servers(*KINDS))
def play_kube(request: pytest.FixtureRequest) -> PlayKube:
    """Run a scenario against every kind of lock in the Kubernetes API."""
    return _player(request, request.param[0])


def _with_lease(arena: KubeArena) -> MultiArena:
    return MultiArena(arena, KubeArena("lease", arena.config, arena.client, arena.namespace))


def _player(request: pytest.FixtureRequest, kind: str) -> PlayKube:
    opened = _on_cluster(request, kind) if request.param[1] == "cluster" else on_devserver(kind)

    async def scene(scenario: Callable[[KubeArena], Awaitable[None]]) -> None:
        async with opened as arena:
            await scenario(arena)

    return lambda scenario: asyncio.run(_guarded(scene(scenario)))


def _on_cluster(request: pytest.FixtureRequest, kind: str) -> AbstractAsyncContextManager[KubeArena]:
    kubeconfig = request.getfixturevalue("cluster").admin_kubeconfig
    return on_server(kind, kubeconfig, request.getfixturevalue("namespace"))


async def _guarded(scene: Awaitable[None]) -> None:
    async with asyncio.timeout(SCENARIO_TIMEOUT_S):
        await scene
