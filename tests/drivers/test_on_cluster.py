"""The drivers on the real API server, where permissions matter."""

from __future__ import annotations

import asyncio

import pytest

from tenure import BlackboardLock, LeaderElector, LeaseLock, PermissionDeniedError, Term
from tests.cluster.server import Cluster
from tests.drivers.tools import ROOMY, play, until

pytestmark = pytest.mark.cluster


async def forever(term: Term) -> None:
    await asyncio.Event().wait()


def test_a_blackboard_with_get_and_update_alone(
    cluster: Cluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.kubectl("create", "configmap", "board", "-n", namespace)
    rule = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["board"]}
    account = cluster.service_account(namespace, "actor", [{**rule, "verbs": ["get", "update"]}])
    lock = BlackboardLock("board", namespace, kubeconfig=account.kubeconfig)
    a, b = (LeaderElector(lock, identity=name, timing=ROOMY) for name in ("jane", "john"))

    def said() -> int:
        return sum("watch" in record.message for record in caplog.records)

    async def scene() -> None:
        async with b.running(forever):
            async with a.running(forever):
                await until(lambda: a.leader and a.leader == b.leader and said() == 2)
                assert a.is_leader() != b.is_leader()
            await until(b.is_leader)

    play(scene())
    # Each of the two says it once.
    assert said() == 2


def test_what_is_missing_is_named_on_entry(cluster: Cluster, namespace: str) -> None:
    account = cluster.service_account(namespace, "nobody", [])
    elector = LeaderElector(LeaseLock("reports", namespace, kubeconfig=account.kubeconfig))

    async def scene() -> None:
        with pytest.raises(PermissionDeniedError, match="leases"):
            async with elector.running(forever):
                raise AssertionError("it must not be entered")

    play(scene())
