"""Watches: events out of chunks, however they are cut, and every way in which a watch ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.errors import LockUnavailableError, PermissionDeniedError
from tenure.kubernetes import watch as watch_module
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.operation import Operation
from tenure.kubernetes.resource import LEASES
from tenure.kubernetes.status import GoneError
from tenure.kubernetes.watch import WatchEvent, read_events
from tests.kubernetes.server import Answer, ApiServer, Conversation, Handler, Seen, lease, status

OPERATION = Operation("watch", LEASES, "default", "reports", "https://server")


def event(kind: str, found: Any) -> bytes:
    return json.dumps({"type": kind, "object": found}, ensure_ascii=False).encode() + b"\n"


def events_of(handler: Handler, **arguments: Any) -> tuple[list[WatchEvent], Exception | None, list[Seen]]:
    """Watch until the end; return the events, what was raised, and what the server saw."""

    async def main() -> tuple[list[WatchEvent], Exception | None, list[Seen]]:
        events: list[WatchEvent] = []
        failure = None
        async with ApiServer(handler=handler) as server:
            client = Client(ClusterConfig(server=server.url))
            try:
                async for each in client.watch(LEASES, "default", resource_version="7", **arguments):
                    events.append(each)  # noqa: PERF401  # what came before a failure counts
            except Exception as error:
                failure = error
            await client.aclose()
            await server.wait_all_closed()
            return events, failure, server.seen

    return asyncio.run(main())


def chunks(*parts: bytes, complete: bool = True) -> Handler:
    async def handler(seen: Seen, conversation: Conversation) -> Answer | None:
        await conversation.begin_chunks()
        for part in parts:
            await conversation.chunk(part)
        if complete:
            await conversation.chunk(b"")
        return None

    return handler


async def one_event_then_silence(seen: Seen, conversation: Conversation) -> Answer | None:
    """Answer a call with a Lease, and a watch with one event and then nothing, until it is left."""
    if "watch=true" not in seen.path:
        return Answer(lease())
    await conversation.begin_chunks()
    await conversation.chunk(event("ADDED", lease()))
    await conversation.wait_closed_by_peer()
    return None


def test_a_watch_asks_for_one_object_with_bookmarks_and_ends_with_the_server() -> None:
    handler = chunks(event("MODIFIED", lease()), event("BOOKMARK", lease()), event("DELETED", lease()))
    selector = "metadata.name=reports"
    events, failure, (seen,) = events_of(handler, field_selector=selector, timeout_seconds=300)
    assert failure is None
    assert [each.type for each in events] == ["MODIFIED", "BOOKMARK", "DELETED"]
    assert events[0].object == lease()
    assert seen.path == (
        "/apis/coordination.k8s.io/v1/namespaces/default/leases?watch=true&allowWatchBookmarks=true"
        "&resourceVersion=7&fieldSelector=metadata.name%3Dreports&timeoutSeconds=300"
    )


def test_a_watch_that_is_gone_says_so_by_status_and_by_event() -> None:
    expired = status(410, "Expired", "too old resource version: 7 (9)")

    async def refuse(seen: Seen, conversation: Conversation) -> Answer:
        return expired

    events, failure, _ = events_of(refuse)
    assert events == []
    assert isinstance(failure, GoneError)
    events, failure, _ = events_of(chunks(event("ADDED", lease()), event("ERROR", expired.body)))
    assert len(events) == 1
    assert isinstance(failure, GoneError)


def test_a_forbidden_watch_names_the_rule() -> None:
    async def refuse(seen: Seen, conversation: Conversation) -> Answer:
        return status(403, "Forbidden", "cannot watch")

    _, failure, _ = events_of(refuse, field_selector="metadata.name=reports")
    assert isinstance(failure, PermissionDeniedError)
    assert '"verbs": ["watch"], "resourceNames": ["reports"]' in str(failure)


@pytest.mark.parametrize(
    "handler",
    [
        chunks(event("ADDED", lease()), b'{"type": "MODI'),
        chunks(event("ADDED", lease()), complete=False),
        chunks(event("ADDED", lease()), b"<html>\n"),
        chunks(event("ADDED", lease()), b'{"type": "ADDED"}\n'),
        chunks(event("ADDED", lease()), b"[]\n"),
        chunks(event("ADDED", lease()), event("MODIFIED", {"kind": "Lease"})),
        chunks(event("ADDED", lease()), event("ERROR", status(500, "InternalError", "oops").body)),
        chunks(event("ADDED", lease()), event("ERROR", "oops")),
    ],
)
def test_a_watch_that_breaks_is_an_outage(handler: Handler) -> None:
    events, failure, _ = events_of(handler)
    assert len(events) == 1
    assert isinstance(failure, LockUnavailableError)
    assert "\n" not in str(failure)


def test_a_401_is_answered_with_a_second_attempt() -> None:
    answers = [status(401, "Unauthorized", "Unauthorized")]

    async def handler(seen: Seen, conversation: Conversation) -> Answer | None:
        if answers:
            return answers.pop()
        return await chunks(event("ADDED", lease()))(seen, conversation)

    events, failure, seen = events_of(handler)
    assert (len(events), failure, len(seen)) == (1, None, 2)


def test_a_watch_that_is_never_answered_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenure.kubernetes.client._WATCH_ANSWER_TIMEOUT_S", 0.5)

    async def silence(seen: Seen, conversation: Conversation) -> None:
        await conversation.wait_closed_by_peer()

    _, failure, _ = events_of(silence)
    assert isinstance(failure, LockUnavailableError)
    assert "no answer within 0.5 s" in str(failure)


def test_leaving_a_watch_closes_its_connection_and_calls_go_on_meanwhile() -> None:
    async def main() -> None:
        async with ApiServer(handler=one_event_then_silence) as server:
            client = Client(ClusterConfig(server=server.url))
            async with aclosing(client.watch(LEASES, "default", resource_version="7")) as events:
                await anext(events)
                assert await client.get(LEASES, "default", "reports", timeout=10) == lease()
            await client.get(LEASES, "default", "reports", timeout=10)
            assert server.connections == 2
            await client.aclose()
            await server.wait_all_closed()

    asyncio.run(main())


def test_a_watch_leaves_the_idle_connection_to_the_next_call() -> None:
    """A follower that takes over need not wait for a handshake, also after a watch was left."""

    async def main() -> None:
        async with ApiServer(handler=one_event_then_silence) as server:
            client = Client(ClusterConfig(server=server.url))
            await client.get(LEASES, "default", "reports", timeout=10)
            events = client.watch(LEASES, "default", resource_version="7")
            await anext(events)
            await client.get(LEASES, "default", "reports", timeout=10)
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
            await client.get(LEASES, "default", "reports", timeout=10)
            assert [seen.connection for seen in server.seen] == [1, 2, 1, 1]
            await client.aclose()
            await server.wait_all_closed()

    asyncio.run(main())


def test_many_watches_do_not_starve_a_call() -> None:
    async def main() -> None:
        async with ApiServer(handler=one_event_then_silence) as server:
            client = Client(ClusterConfig(server=server.url))
            watches = [client.watch(LEASES, "default", resource_version="7") for _ in range(50)]
            await asyncio.gather(*(anext(each) for each in watches))
            assert await client.get(LEASES, "default", "reports", timeout=10) == lease()
            for each in watches:
                await each.aclose()
            await client.aclose()
            await server.wait_all_closed()

    asyncio.run(main())


def collect(parts: list[bytes]) -> list[WatchEvent]:
    async def stream() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    async def main() -> list[WatchEvent]:
        return [each async for each in read_events(OPERATION, stream())]

    return asyncio.run(main())


@given(
    holders=st.lists(st.text(max_size=20), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 2000), max_size=20),
    blank=st.sampled_from([b"", b"\n", b" \r\n"]),
)
def test_events_survive_every_cut(holders: list[str], cuts: list[int], blank: bytes) -> None:
    whole = b"".join(event("MODIFIED", lease(holderIdentity=holder)) + blank for holder in holders)
    borders = [0, *sorted(cut % len(whole) for cut in cuts), len(whole)]
    parts = [whole[start:end] for start, end in pairwise(borders)]
    assert [each.object["spec"]["holderIdentity"] for each in collect(parts)] == holders


def test_an_event_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_MAX_LINE", 1000)
    with pytest.raises(LockUnavailableError, match="longer than 1000 bytes"):
        collect([b" " * 600, b" " * 600])
