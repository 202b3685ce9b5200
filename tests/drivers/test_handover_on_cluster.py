"""Hand-over on the real API server, in one election with client-go's candidates, which know nothing of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tenure import LeaderElector, LeaseLock, NotLeaderError
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.lock import Lock
from tenure.petition import petition
from tenure.record import Record
from tests.cluster.client_go import ClientGoCandidate
from tests.cluster.fixtures import StartClientGo
from tests.cluster.server import Cluster
from tests.drivers.tools import forever, until

pytestmark = pytest.mark.cluster

SHORT = {"lease_duration_s": 3, "renew_deadline_s": 2, "retry_period_s": 0.4}
GIVE_UP_S = 90.0


@pytest.fixture
def config(cluster: Cluster) -> ClusterConfig:
    return load_kubeconfig(cluster.admin_kubeconfig, None)


def elector(config: ClusterConfig, namespace: str, name: str, **wishes: Any) -> LeaderElector:
    return LeaderElector(LeaseLock("election", namespace, config=config), identity=name, **wishes)


async def until_known(lock: Lock) -> None:
    """Wait until a contender has written its name."""
    async with lock.open() as session:
        while not getattr((await session.read(timeout=10)).record, "contenders", ()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def ask(lock: Lock, to: str) -> None:
    async with lock.open() as session:
        await petition(session, to, timeout=10)


def play(scene: Any) -> None:
    async def guarded() -> None:
        async with asyncio.timeout(GIVE_UP_S):
            await scene

    asyncio.run(guarded())


def test_candidates_of_client_go_follow_a_leader_that_others_note_their_names_on(
    config: ClusterConfig, namespace: str, client_go: StartClientGo
) -> None:
    async def scene() -> None:
        a, b = elector(config, namespace, "a"), elector(config, namespace, "b", priority=5)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(a.running(forever))
            await until(a.is_leader)
            theirs = await asyncio.to_thread(client_go, "theirs", **SHORT)
            await asyncio.to_thread(theirs.wait_for, "leader", leader="a")
            await stack.enter_async_context(b.running(forever))
            await until(lambda: b.leader == "a")
            await until_known(a.lock)
            a.resign()
            await until(b.is_leader)
            await asyncio.to_thread(theirs.wait_for, "leader", leader="b")

    play(scene())


def test_nobody_writes_a_note_on_a_leader_of_client_go_nor_asks_it(
    config: ClusterConfig, namespace: str, client_go: StartClientGo
) -> None:
    async def scene() -> None:
        theirs: ClientGoCandidate = await asyncio.to_thread(client_go, "theirs")
        await asyncio.to_thread(theirs.wait_for, "started")
        b = elector(config, namespace, "b", priority=5, preempt=True)
        async with b.running(forever):
            await until(lambda: b.leader == "theirs")
            with pytest.raises(NotLeaderError, match="'theirs' cannot be asked"):
                await ask(b.lock, "b")
            async with b.lock.open() as session:
                seen = await session.read(timeout=10)
                assert not seen.raw["metadata"].get("annotations")
            await asyncio.sleep(0.5)  # between two renewals of client-go, where its release works
            assert await asyncio.to_thread(theirs.terminate) == 0
            await until(b.is_leader)

    play(scene())


def test_notes_that_client_go_keeps_when_it_takes_over_count_for_nothing(
    config: ClusterConfig, namespace: str, client_go: StartClientGo
) -> None:
    async def scene() -> None:
        a, b = elector(config, namespace, "a"), elector(config, namespace, "b", priority=5)
        async with a.running(forever):
            await until(a.is_leader)
            async with b.running(forever):
                await until_known(a.lock)
        theirs = await asyncio.to_thread(client_go, "theirs")
        await asyncio.to_thread(theirs.wait_for, "started")
        async with a.lock.open() as session:
            seen = await session.read(timeout=10)
        assert isinstance(seen.record, Record)
        assert seen.record.holder == "theirs"
        assert "tenure.dev/attempt" in seen.raw["metadata"]["annotations"]
        assert (seen.record.contenders, seen.record.hint, seen.record.request) == ((), "", None)

    play(scene())


def test_a_named_candidate_takes_over(config: ClusterConfig, namespace: str) -> None:
    async def scene() -> None:
        electors = {name: elector(config, namespace, name) for name in "abc"}
        async with AsyncExitStack() as stack:
            for each in electors.values():
                await stack.enter_async_context(each.running(forever))
                await until(electors["a"].is_leader)
            await ask(electors["a"].lock, "c")
            await until(electors["c"].is_leader)
            assert electors["c"].latest.token is not None
            assert electors["c"].latest.token.election == f"{namespace}/election"

    play(scene())
