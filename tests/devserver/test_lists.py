"""Lists and selectors: on the embedded server as on the real one."""

from __future__ import annotations

import pytest

from tests.devserver.api import Api, lease

LEASES = "leases.coordination.k8s.io"


def names(api: Api, **query: object) -> list[str]:
    """The names of the Leases that a list finds."""
    answer = api.get(LEASES, **query)
    assert answer.code == 200, answer.body
    return [item["metadata"]["name"] for item in answer.body["items"]]


def test_a_list_has_a_version_and_items_without_kind(api: Api) -> None:
    created = api.post(LEASES, lease())
    answer = api.get(LEASES)
    assert answer.body["kind"] == "LeaseList"
    assert answer.body["apiVersion"] == "coordination.k8s.io/v1"
    assert int(answer.version) >= int(created.version)
    assert [set(item) for item in answer.body["items"]] == [{"metadata", "spec"}]


def test_a_list_stays_in_its_namespace_or_spans_all(api: Api) -> None:
    api.post(LEASES, lease("a"))
    everywhere = api.request("GET", "/apis/coordination.k8s.io/v1/leases").body["items"]
    assert (api.namespace, "a") in {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in everywhere}
    api.namespace = "default"
    assert "a" not in names(api)


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", "abc"),
        ("tier=web", "a"),
        ("tier==web", "a"),
        ("tier!=web", "bc"),
        ("tier", "ab"),
        ("!tier", "c"),
        ("tier in (web, db)", "ab"),
        ("tier notin (web)", "bc"),
        ("tier in (web,db),zone=1", "b"),
        ("zone=", ""),
    ],
)
def test_labels_select(api: Api, selector: str, found: str) -> None:
    for name, labels in (("a", {"tier": "web"}), ("b", {"tier": "db", "zone": "1"}), ("c", {})):
        api.post(LEASES, {"metadata": {"name": name, "labels": labels}})
    assert names(api, labelSelector=selector) == list(found)


@pytest.mark.parametrize(
    ("selector", "found"),
    [("metadata.name=a", "a"), ("metadata.name!=a", "bc"), ("metadata.name=a,metadata.namespace=else", "")],
)
def test_fields_select(api: Api, selector: str, found: str) -> None:
    for name in "abc":
        api.post(LEASES, lease(name))
    assert names(api, fieldSelector=selector) == list(found)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"fieldSelector": "spec.x=y"},
            '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        ({"fieldSelector": "bad"}, "invalid selector: 'bad'; can't understand 'bad'"),
        ({"labelSelector": "a in b"}, "unable to parse requirement: "),
        ({"resourceVersion": "abc"}, 'invalid resource version: resourceVersion: Invalid value: "abc": '),
    ],
)
def test_what_a_list_cannot_understand_is_a_bad_request(
    api: Api, query: dict[str, str], message: str
) -> None:
    code, reason, given = api.get(LEASES, **query).failure
    assert (code, reason) == (400, "BadRequest")
    assert given.startswith(message)


def test_a_version_that_is_not_there_yet_times_out(api: Api) -> None:
    api.post(LEASES, lease())
    answer = api.get(LEASES, "x", resourceVersion=99999999)
    assert answer.failure[:2] == (504, "Timeout")
    assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert answer.body["details"]["retryAfterSeconds"] == 1


def test_an_older_version_is_satisfied_by_the_newest_state(api: Api) -> None:
    created = api.post(LEASES, lease())
    assert api.get(LEASES, "x", resourceVersion="0").code == 200
    assert api.get(LEASES, "x", resourceVersion=created.version).version == created.version
