"""The object of the peers: who was elected, and when, for people; nobody's name in it expires."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest

from tenure.errors import ConflictError
from tenure.lock import LockSession
from tenure.locks.peers import PeersLock
from tenure.record import Attempt, Record, UnreadableRecord
from tests.cluster.server import Cluster
from tests.locks.arena import TIMEOUT_S, KubeArena, on_devserver, on_server

LED = Record(holder="w-1", lease_duration=math.inf, transitions=3, attempt=Attempt("ab" * 16, 1))

Scenario = Callable[[KubeArena, LockSession], Awaitable[None]]


def play(scenario: Scenario, cluster: Cluster | None = None, namespace: str = "default") -> None:
    async def scene() -> None:
        place = on_server("peers", cluster.admin_kubeconfig, namespace) if cluster else on_devserver("peers")
        async with place as arena, arena.session() as session:
            await scenario(arena, session)

    asyncio.run(asyncio.wait_for(scene(), 60))


async def shows_who_was_elected(arena: KubeArena, session: LockSession) -> None:
    created = await session.create(LED, timeout=TIMEOUT_S)
    assert isinstance(created.record, Record)
    assert (created.record.holder, created.record.attempt) == ("w-1", LED.attempt)
    assert (created.record.lease_duration, created.record.transitions) == (math.inf, 3)
    data = (await arena.get())["data"]
    assert data["elected"] == "w-1"
    assert data["transitions"] == "3"
    assert created.record.acquire_time is not None
    assert data["since"] == created.record.acquire_time.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await session.read(timeout=TIMEOUT_S) == created


async def is_written_by_compare_and_swap(arena: KubeArena, session: LockSession) -> None:
    first = await session.create(LED, timeout=TIMEOUT_S)
    with pytest.raises(ConflictError):
        await session.create(LED, timeout=TIMEOUT_S)
    later = Record(holder="w-2", lease_duration=math.inf, transitions=4, attempt=Attempt("cd" * 16, 1))
    second = await session.replace(first, later, timeout=TIMEOUT_S)
    assert second.version > first.version
    with pytest.raises(ConflictError):
        await session.replace(first, LED, timeout=TIMEOUT_S)
    found = await session.read(timeout=TIMEOUT_S)
    assert isinstance(found.record, Record)
    assert (found.record.holder, found.record.attempt) == ("w-2", later.attempt)


@pytest.mark.parametrize("scenario", [shows_who_was_elected, is_written_by_compare_and_swap])
def test_on_the_embedded_server(scenario: Scenario) -> None:
    play(scenario)


@pytest.mark.cluster
@pytest.mark.parametrize("scenario", [shows_who_was_elected, is_written_by_compare_and_swap])
def test_on_the_real_server(scenario: Scenario, cluster: Cluster, namespace: str) -> None:
    play(scenario, cluster, namespace)


def test_what_others_put_there_stays() -> None:
    async def scenario(arena: KubeArena, session: LockSession) -> None:
        await arena.create(data={"motd": "hi"}, metadata={"annotations": {"team": "a"}})
        found = await session.read(timeout=TIMEOUT_S)
        assert found.record == Record(holder="")
        await session.replace(found, LED, timeout=TIMEOUT_S)
        obj = await arena.get()
        assert obj["data"]["motd"] == "hi"
        assert obj["metadata"]["annotations"]["team"] == "a"

    play(scenario)


def test_a_name_written_by_hand_has_no_attempt_and_no_time_that_matters() -> None:
    async def scenario(arena: KubeArena, session: LockSession) -> None:
        await session.create(LED, timeout=TIMEOUT_S)
        await arena.patch({"data": {"elected": "operator", "since": "yesterday", "transitions": "many"}})
        found = await session.read(timeout=TIMEOUT_S)
        assert found.record == Record(holder="operator", lease_duration=math.inf)

    play(scenario)


def test_something_else_in_its_place_is_said_with_the_remedy() -> None:
    async def scenario(arena: KubeArena, session: LockSession) -> None:
        await session.create(LED, timeout=TIMEOUT_S)
        codec = PeersLock.codec
        obj = await arena.get()
        obj["data"] = {"elected": 7}
        found = session.observe(obj)  # type: ignore[attr-defined]  # as the API server would never send it
        assert isinstance(found.record, UnreadableRecord)
        assert "data.elected is 7, not a string" in found.record.reason
        assert codec.freeing_command("default", "election") in found.record.reason

    play(scenario)
