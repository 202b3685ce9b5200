"""Records that client-go's own candidates wrote on the real API server, and ours as they see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tenure.lock import Lock, LockSession
from tenure.locks.annotation import ConfigMapLock, EndpointsLock
from tenure.locks.lease import LeaseLock
from tenure.locks.multi import MultiLock
from tenure.record import Attempt, Record
from tests.cluster.fixtures import StartClientGo
from tests.cluster.server import Cluster
from tests.locks.arena import TIMEOUT_S
from tests.locks.test_conformance import record_of

pytestmark = pytest.mark.cluster


def make_lock(kind: str, place: dict[str, Any]) -> Lock:
    endpoints, configmap, lease = (
        lock("election", **place) for lock in (EndpointsLock, ConfigMapLock, LeaseLock)
    )
    return {
        "endpoints": endpoints,
        "configmaps": configmap,
        "leases": lease,
        "endpointsleases": MultiLock(endpoints, lease),
        "configmapsleases": MultiLock(configmap, lease),
    }[kind]


@asynccontextmanager
async def opened(kind: str, cluster: Cluster, namespace: str) -> AsyncIterator[LockSession]:
    place = {"namespace": namespace, "kubeconfig": cluster.admin_kubeconfig}
    async with make_lock(kind, place).open() as session:
        yield session


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("v0.36", "leases"),
        ("v0.23", "leases"),
        ("v0.23", "endpoints"),
        ("v0.23", "configmaps"),
        ("v0.23", "endpointsleases"),
        ("v0.23", "configmapsleases"),
    ],
)
def test_ours_and_theirs_read_one_another(
    cluster: Cluster, namespace: str, client_go: StartClientGo, version: str, kind: str
) -> None:
    async def scenario() -> None:
        async with opened(kind, cluster, namespace) as session:
            theirs = await asyncio.to_thread(client_go, "theirs", version=version, lock=kind)
            await asyncio.to_thread(theirs.wait_for, "started")
            led = record_of(await session.read(timeout=TIMEOUT_S))
            assert (led.holder, led.lease_duration, led.attempt) == ("theirs", 15, None)
            # Its release fails if it meets a renewal on its way; half-way between two none is.
            await asyncio.sleep(0.5)
            assert await asyncio.to_thread(theirs.terminate) == 0
            released = await session.read(timeout=TIMEOUT_S)
            free = record_of(released)
            assert (free.holder, free.lease_duration) == ("", 1)
            ours = Record(
                holder="ours", lease_duration=15, transitions=free.transitions + 1, attempt=Attempt("f0", 1)
            )
            taken = await session.replace(released, ours, timeout=TIMEOUT_S)
            onlooker = await asyncio.to_thread(client_go, "onlooker", version=version, lock=kind)
            await asyncio.to_thread(onlooker.wait_for, "leader", leader="ours")
            assert await session.read(timeout=TIMEOUT_S) == taken

    asyncio.run(scenario())
