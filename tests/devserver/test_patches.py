"""Patches: on the embedded server as on the real one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.devserver.api import Api, lease

LEASES = "leases.coordination.k8s.io"


def test_a_merge_patch_sets_and_removes(api: Api) -> None:
    created = api.post(LEASES, lease(holderIdentity="a", leaseDurationSeconds=15))
    patch = {"metadata": {"annotations": {"k": "v"}}, "spec": {"holderIdentity": None, "leaseTransitions": 1}}
    patched = api.patch(LEASES, "x", patch)
    assert patched.code == 200
    assert patched.body["spec"] == {"leaseDurationSeconds": 15, "leaseTransitions": 1}
    assert patched.metadata["annotations"] == {"k": "v"}
    assert int(patched.version) > int(created.version)


@pytest.mark.parametrize("form", ["merge-patch", "strategic-merge-patch"])
def test_an_empty_patch_is_no_write(api: Api, form: str) -> None:
    created = api.post(LEASES, lease(holderIdentity="a"))
    assert api.patch(LEASES, "x", {}, form).version == created.version


def test_a_patch_with_a_version_is_a_compare_and_swap(api: Api) -> None:
    created = api.post(LEASES, lease())
    right = {"metadata": {"resourceVersion": created.version}, "spec": {"holderIdentity": "a"}}
    assert api.patch(LEASES, "x", right).code == 200
    assert api.patch(LEASES, "x", right).failure[:2] == (409, "Conflict")


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({"metadata": {"uid": "b9b1f8ba-9b5c-4d7f-9f3f-0123456789ab"}}, 422),
        ({"metadata": {"resourceVersion": None}}, 422),
        ({"metadata": {"name": "y"}}, 400),
        ({"metadata": {"namespace": "else"}}, 400),
        ({"kind": "Thing"}, 422),
        ({"spec": {"leaseDurationSeconds": 0}}, 422),
        ({"spec": {"renewTime": "2026-11-21T07:31:00Z"}}, 422),
        ([], 400),
    ],
)
def test_a_patch_that_makes_no_valid_object_is_refused(api: Api, patch: Any, code: int) -> None:
    created = api.post(LEASES, lease(holderIdentity="a"))
    assert api.patch(LEASES, "x", patch).code == code
    assert api.get(LEASES, "x").version == created.version


def test_a_patched_value_that_cannot_be_read_is_named(api: Api) -> None:
    api.post(LEASES, lease())
    code, reason, message = api.patch(LEASES, "x", {"spec": {"leaseTransitions": "1"}}).failure
    assert (code, reason) == (422, "Invalid")
    assert message.startswith(' "" is invalid: patch: Invalid value: "{')
    assert message.endswith(
        "json: cannot unmarshal string into Go struct field LeaseSpec.spec.leaseTransitions of type int32"
    )


def test_a_json_patch_applies_in_order(api: Api) -> None:
    api.post(LEASES, {"metadata": {"name": "x", "annotations": {"a": "1"}}, "spec": {"leaseTransitions": 1}})
    operations = [
        {"op": "test", "path": "/spec/leaseTransitions", "value": 1},
        {"op": "replace", "path": "/spec/leaseTransitions", "value": 2},
        {"op": "add", "path": "/metadata/annotations/tenure.dev~1b", "value": "2"},
        {"op": "copy", "from": "/metadata/annotations/a", "path": "/metadata/annotations/c"},
        {"op": "move", "from": "/metadata/annotations/a", "path": "/metadata/annotations/d"},
    ]
    patched = api.patch(LEASES, "x", operations, "json-patch")
    assert patched.body["spec"] == {"leaseTransitions": 2}
    assert patched.metadata["annotations"] == {"tenure.dev/b": "2", "c": "1", "d": "1"}
    removed = api.patch(LEASES, "x", [{"op": "remove", "path": "/metadata/annotations/c"}], "json-patch")
    assert removed.metadata["annotations"] == {"tenure.dev/b": "2", "d": "1"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/leaseTransitions", "value": 5},
        {"op": "remove", "path": "/spec/holderIdentity"},
        {"op": "replace", "path": "/spec/nothing/here", "value": "b"},
        {"op": "invent", "path": "/spec"},
    ],
)
def test_a_json_patch_that_does_not_apply_changes_nothing(api: Api, operation: dict[str, Any]) -> None:
    created = api.post(LEASES, lease(leaseTransitions=1))
    first = {"op": "replace", "path": "/spec/leaseTransitions", "value": 2}
    answer = api.patch(LEASES, "x", [first, operation], "json-patch")
    message = "the server rejected our request due to an error in our request"
    assert answer.failure == (422, "Invalid", message)
    assert api.get(LEASES, "x").version == created.version


def test_a_json_patch_edits_lists(api: Api) -> None:
    subsets = [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80, "protocol": "TCP"}]}]
    api.post("endpoints", {"metadata": {"name": "x"}, "subsets": subsets})
    operations = [
        {"op": "add", "path": "/subsets/0/addresses/-", "value": {"ip": "10.0.0.3"}},
        {"op": "add", "path": "/subsets/0/addresses/1", "value": {"ip": "10.0.0.2"}},
        {"op": "remove", "path": "/subsets/0/addresses/0"},
    ]
    patched = api.patch("endpoints", "x", operations, "json-patch")
    assert [address["ip"] for address in patched.body["subsets"][0]["addresses"]] == ["10.0.0.2", "10.0.0.3"]


def test_a_strategic_patch_merges_lists_by_their_key(api: Api) -> None:
    account = {"metadata": {"name": "x"}, "secrets": [{"name": "a"}, {"name": "b"}]}
    api.post("serviceaccounts", account)
    patch = {"secrets": [{"name": "c"}, {"name": "a", "$patch": "delete"}]}
    patched = api.patch("serviceaccounts", "x", patch, "strategic-merge-patch")
    assert sorted(secret["name"] for secret in patched.body["secrets"]) == ["b", "c"]
    merged = api.patch("serviceaccounts", "x", {"secrets": [{"name": "d"}]})
    assert merged.body["secrets"] == [{"name": "d"}]


def test_a_strategic_patch_removes_with_null(api: Api) -> None:
    api.post(LEASES, {"metadata": {"name": "x", "labels": {"a": "b", "c": "d"}}})
    patched = api.patch(LEASES, "x", {"metadata": {"labels": {"a": None}}}, "strategic-merge-patch")
    assert patched.metadata["labels"] == {"c": "d"}


def test_an_unknown_patch_type_is_unsupported(api: Api) -> None:
    api.post(LEASES, lease())
    answer = api.request("PATCH", api.path(LEASES, "x"), {}, "application/json")
    assert answer.failure == (415, "UnsupportedMediaType", "415: Unsupported Media Type")
