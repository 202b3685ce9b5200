"""Watching: on the embedded server as on the real one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tenure.devserver import DevServer, running_devserver
from tests.devserver.api import Api, lease

LEASES = "leases.coordination.k8s.io"


def described(events: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, str]]:
    """Types and names."""
    return [(kind, obj["metadata"].get("name", "")) for kind, obj in events]


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}])
def test_a_watch_without_a_version_begins_with_what_is_there(api: Api, query: dict[str, str]) -> None:
    first = api.post(LEASES, lease("a"))
    with api.watch(LEASES, **query) as events:
        assert events.next() == ("ADDED", first.body)
        second = api.post(LEASES, lease("b"))
        assert events.next() == ("ADDED", second.body)


def test_a_watch_from_a_version_shows_every_later_change(api: Api) -> None:
    created = api.post(LEASES, lease(holderIdentity="a"))
    changed = api.patch(LEASES, "x", {"spec": {"holderIdentity": "b"}})
    with api.watch(LEASES, resourceVersion=created.version) as events:
        assert events.next() == ("MODIFIED", changed.body)
        api.delete(LEASES, "x")
        kind, last = events.next()
        again = api.post(LEASES, lease())
        assert events.next() == ("ADDED", again.body)
    assert kind == "DELETED"
    assert last["spec"] == {"holderIdentity": "b"}
    version = int(last["metadata"]["resourceVersion"])
    assert int(changed.version) < version < int(again.version), "a deletion has a revision of its own"


def test_a_watch_of_one_name_sees_no_other(api: Api) -> None:
    version = api.post(LEASES, lease("other")).version
    with api.watch(LEASES, fieldSelector="metadata.name=x", resourceVersion=version) as events:
        api.patch(LEASES, "other", {"spec": {"holderIdentity": "b"}})
        created = api.post(LEASES, lease())
        assert events.next() == ("ADDED", created.body)


def test_the_url_of_one_object_is_never_watched(api: Api) -> None:
    assert api.get(LEASES, "x", watch="true").code == 404
    created = api.post(LEASES, lease())
    assert api.get(LEASES, "x", watch="true").body == created.body


def test_a_watch_stays_in_its_namespace_and_kind(api: Api) -> None:
    version = api.get(LEASES).version
    with api.watch(LEASES, resourceVersion=version) as events:
        elsewhere = copy.copy(api)
        elsewhere.namespace = "default"
        elsewhere.post(LEASES, {"metadata": {"generateName": "noise-"}})
        api.post("configmaps", {"metadata": {"name": "x"}})
        created = api.post(LEASES, lease())
        assert events.next() == ("ADDED", created.body)


def test_an_object_that_leaves_a_selector_is_deleted_for_its_watch(api: Api) -> None:
    version = api.get(LEASES).version
    with api.watch(LEASES, labelSelector="a=b", resourceVersion=version) as events:
        api.post(LEASES, lease())
        entered = api.patch(LEASES, "x", {"metadata": {"labels": {"a": "b"}}})
        assert events.next() == ("ADDED", entered.body)
        left = api.patch(LEASES, "x", {"metadata": {"labels": {"a": "c"}}})
        kind, last = events.next()
    assert kind == "DELETED"
    assert last["metadata"]["labels"] == {"a": "b"}
    assert last["metadata"]["resourceVersion"] == left.version


def test_a_watch_ends_after_its_time(api: Api) -> None:
    created = api.post(LEASES, lease())
    with api.watch(LEASES, resourceVersion=created.version, timeoutSeconds=1) as events:
        assert events.rest() == []


def test_bookmarks_come_only_when_asked_for(api: Api) -> None:
    api.post(LEASES, lease())
    with api.watch(LEASES, timeoutSeconds=1) as events:
        assert described(events.rest()) == [("ADDED", "x")]


@pytest.mark.parametrize("query", [{}, {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}])
def test_a_bookmark_tells_where_the_present_objects_end(api: Api, query: dict[str, str]) -> None:
    created = api.post(LEASES, lease())
    with api.watch(LEASES, allowWatchBookmarks="true", **query) as events:
        assert events.next() == ("ADDED", created.body)
        kind, mark = events.next()
    assert kind == "BOOKMARK"
    assert (mark["kind"], mark["apiVersion"]) == ("Lease", "coordination.k8s.io/v1")
    assert mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(mark["metadata"]["resourceVersion"]) >= int(created.version)


def test_initial_events_need_a_match_for_their_version(api: Api) -> None:
    rule = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    message = f'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: {rule}'
    answer = api.get(LEASES, watch="true", sendInitialEvents="true")
    assert answer.failure == (422, "Invalid", message)


def test_a_malformed_version_is_refused(api: Api) -> None:
    why = 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'
    assert api.get(LEASES, watch="true", resourceVersion="abc").failure == (500, "", why)


def test_a_forgotten_version_is_an_error_event() -> None:
    with running_devserver(DevServer(history=3)) as server:
        api = Api(server.url)
        versions = [api.post(LEASES, lease(name)).version for name in "abcde"]
        with api.watch(LEASES, resourceVersion=versions[0]) as events:
            [(kind, status)] = events.rest()
        with api.watch(LEASES, resourceVersion=versions[1], timeoutSeconds=1) as events:
            assert described(events.rest()) == [("ADDED", "c"), ("ADDED", "d"), ("ADDED", "e")]
    assert kind == "ERROR"
    assert (status["code"], status["reason"]) == (410, "Expired")
    assert status["message"] == f"too old resource version: {versions[0]} ({versions[1]})"


def test_an_open_watch_outlives_the_history() -> None:
    with running_devserver(DevServer(history=1)) as server:
        api = Api(server.url)
        with api.watch(LEASES) as events:
            for name in "abcde":
                api.post(LEASES, lease(name))
                assert described([events.next()]) == [("ADDED", name)]


def test_bookmarks_follow_changes_of_other_kinds() -> None:
    with running_devserver(DevServer(bookmark_s=0.01)) as server:
        api = Api(server.url)
        start = api.get(LEASES).version
        with api.watch(LEASES, resourceVersion=start, allowWatchBookmarks="true") as events:
            created = api.post("configmaps", {"metadata": {"name": "x"}})
            seen = start
            while seen != created.version:
                kind, mark = events.next()
                assert kind == "BOOKMARK"
                seen = mark["metadata"]["resourceVersion"]


def test_stopping_the_server_ends_its_watches() -> None:
    with running_devserver() as server:
        api = Api(server.url)
        watch = api.watch(LEASES, resourceVersion=api.get(LEASES).version)
        events = watch.__enter__()
    assert events.rest() == []
    watch.__exit__(None, None, None)
