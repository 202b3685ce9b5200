"""Watches of the Kubernetes API that end, or cannot begin where they should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from tenure.errors import LockUnavailableError
from tenure.kubernetes.client import Client
from tenure.kubernetes.resource import LEASES
from tenure.kubernetes.status import GoneError
from tenure.kubernetes.watch import WatchEvent
from tenure.lock import LockSession
from tenure.locks.kube_session import KubeSession, Place
from tenure.locks.lease import LeaseCodec
from tenure.locks.stamping import utc_now
from tenure.record import Record, Versioned
from tests.locks.arena import TIMEOUT_S, KubeArena, on_devserver
from tests.locks.test_conformance import LED, RENEWED


def on_forgetful_server(scenario: Callable[[KubeArena], Awaitable[None]]) -> None:
    """Run a scenario on a server whose watches go back by one change only, and that sends many bookmarks."""

    async def scene() -> None:
        async with on_devserver("lease", history=1, bookmark_s=0.05) as arena:
            await scenario(arena)

    asyncio.run(asyncio.wait_for(scene(), 60))


async def age(arena: KubeArena) -> None:
    """Let other objects push what was so far out of the server's history."""
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    for n in range(3):
        named = {**body, "metadata": {"name": f"other-{n}"}}
        await arena.client.create(arena.resource, arena.namespace, named, timeout=TIMEOUT_S)


async def all_changes(session: LockSession, since: Versioned) -> list[Versioned]:
    return [change async for change in session.watch(since)]


def test_a_watch_whose_history_is_gone_ends_and_the_next_one_follows_from_the_same_version() -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            await age(arena)
            assert await all_changes(session, created) == []
            assert await session.read(timeout=TIMEOUT_S) == created
            async with aclosing(session.watch(created)) as changes:
                replaced = await session.replace(created, RENEWED, timeout=TIMEOUT_S)
                assert await anext(changes) == replaced

    on_forgetful_server(scenario)


def test_a_deletion_before_that_next_watch_ends_it_so_that_it_is_read() -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            await age(arena)
            assert await all_changes(session, created) == []
            await arena.delete()
            assert await all_changes(session, created) == []

    on_forgetful_server(scenario)


def test_an_object_that_stays_absent_is_watched_on_through_bookmarks() -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.session() as session:
            absent = await session.read(timeout=TIMEOUT_S)
            async with aclosing(session.watch(absent)) as changes:
                waiting = asyncio.ensure_future(anext(changes))
                await asyncio.sleep(0.2)  # some bookmarks; were they to end it, the next line would fail
                created = await session.create(LED, timeout=TIMEOUT_S)
                assert await waiting == created

    on_forgetful_server(scenario)


class ScriptedClient(Client):
    """Answers watches from a script: one list of events, or an error, for each."""

    def __init__(self, *script: list[WatchEvent] | Exception) -> None:
        self.script = list(script)
        self.asked: list[str] = []

    async def watch(
        self, *place: Any, resource_version: str, **options: Any
    ) -> AsyncGenerator[WatchEvent, None]:
        self.asked.append(resource_version)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        for event in answer:
            yield event


def session_of(client: Client) -> KubeSession:
    return KubeSession(client, Place(LEASES, "ns", "x"), LeaseCodec(), labels={}, wall=utc_now)


def event(kind: str, version: str) -> WatchEvent:
    return WatchEvent(kind, {"metadata": {"name": "x", "uid": "u", "resourceVersion": version}})


KNOWN = Versioned(record=Record(holder=""), version=5, uid="u")


def test_a_watch_that_ends_in_peace_goes_on_from_its_last_bookmark() -> None:
    client = ScriptedClient([event("MODIFIED", "6"), event("BOOKMARK", "9")], [event("MODIFIED", "12")], [])
    changes = asyncio.run(all_changes(session_of(client), KNOWN))
    assert [change.version for change in changes] == [6, 12]
    assert client.asked == ["5", "9", "12"]


def test_a_watch_that_ends_at_once_is_not_taken_up_again() -> None:
    client = ScriptedClient([])
    assert asyncio.run(all_changes(session_of(client), KNOWN)) == []


def test_what_the_caller_knows_is_not_repeated_where_the_watch_begins_anew() -> None:
    client = ScriptedClient(GoneError("gone"), [event("ADDED", "5")], [])
    session = session_of(client)
    assert asyncio.run(all_changes(session, KNOWN)) == []
    assert asyncio.run(all_changes(session, KNOWN)) == []
    assert client.asked == ["5", "", "5"]


def test_a_broken_watch_says_so() -> None:
    client = ScriptedClient(LockUnavailableError("broken"))
    with pytest.raises(LockUnavailableError, match="broken"):
        asyncio.run(all_changes(session_of(client), KNOWN))


def test_an_object_without_a_usable_version_is_no_answer() -> None:
    client = ScriptedClient([event("MODIFIED", "soon")])
    with pytest.raises(LockUnavailableError, match="version 'soon'"):
        asyncio.run(all_changes(session_of(client), KNOWN))
