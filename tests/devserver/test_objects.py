"""Creating, reading, replacing and deleting: on the embedded server as on the real one."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from tests.devserver.api import Answer, Api, lease

LEASES = "leases.coordination.k8s.io"
TIME = "2026-11-21T07:31:00.123456Z"
ELSE = "b9b1f8ba-9b5c-4d7f-9f3f-0123456789ab"
"""A uid that no object has."""


def body(answer: Answer, **metadata: object) -> dict[str, Any]:
    """The object, to be sent back with other metadata; None leaves a field out."""
    obj: dict[str, Any] = copy.deepcopy(answer.body)
    obj["metadata"] = {**obj["metadata"], **metadata}
    obj["metadata"] = {key: value for key, value in obj["metadata"].items() if value is not None}
    return obj


def stale(resource: str) -> tuple[int, str, str]:
    """The answer to a write on another version than the newest."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return 409, "Conflict", f'Operation cannot be fulfilled on {resource} "x": {why}'


def test_a_created_object_gets_its_metadata(api: Api) -> None:
    created = api.post(LEASES, lease(holderIdentity="a", leaseDurationSeconds=15, renewTime=TIME))
    assert created.code == 201
    assert created.body["kind"] == "Lease"
    assert created.body["apiVersion"] == "coordination.k8s.io/v1"
    assert created.body["spec"] == {"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": TIME}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", created.metadata["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created.metadata["creationTimestamp"])
    assert created.metadata["namespace"] == api.namespace
    assert int(created.version) > 0
    assert api.get(LEASES, "x").body == created.body


def test_versions_rise_over_all_objects_and_across_deletion(api: Api) -> None:
    versions = [api.post(LEASES, lease()).version]
    versions.append(api.post("configmaps", {"metadata": {"name": "x"}}).version)
    versions.append(api.patch(LEASES, "x", {"spec": {"holderIdentity": "b"}}).version)
    assert api.delete(LEASES, "x").code == 200
    versions.append(api.post(LEASES, lease()).version)
    numbers = [int(version) for version in versions]
    assert numbers == sorted(set(numbers))


def test_a_generated_name_has_a_suffix(api: Api) -> None:
    name = api.post("configmaps", {"metadata": {"generateName": "g-"}}).metadata["name"]
    assert re.fullmatch(r"g-[a-z0-9]{5}", name)


def test_a_missing_object_is_not_found(api: Api) -> None:
    message = 'leases.coordination.k8s.io "x" not found'
    for answer in (api.get(LEASES, "x"), api.delete(LEASES, "x"), api.patch(LEASES, "x", {})):
        assert answer.failure == (404, "NotFound", message)
        assert answer.body["details"] == {"name": "x", "group": "coordination.k8s.io", "kind": "leases"}
    assert api.get("configmaps", "x").failure == (404, "NotFound", 'configmaps "x" not found')


def test_a_second_create_is_refused(api: Api) -> None:
    api.post(LEASES, lease())
    message = 'leases.coordination.k8s.io "x" already exists'
    assert api.post(LEASES, lease()).failure == (409, "AlreadyExists", message)


def test_a_create_carries_no_version(api: Api) -> None:
    answer = api.post(LEASES, {"metadata": {"name": "x", "resourceVersion": "5"}})
    assert answer.failure == (500, "", "resourceVersion should not be set on objects to be created")


def test_a_create_needs_a_name(api: Api) -> None:
    rule = "metadata.name: Required value: name or generateName is required"
    message = f'Lease.coordination.k8s.io "" is invalid: {rule}'
    assert api.post(LEASES, {"metadata": {}}).failure == (422, "Invalid", message)


@pytest.mark.parametrize("name", ["Upper", "under_score", "-x", "a" * 254])
def test_a_name_must_be_well_formed(api: Api, name: str) -> None:
    code, reason, message = api.post(LEASES, lease(name)).failure
    assert (code, reason) == (422, "Invalid")
    assert message.startswith(
        f'Lease.coordination.k8s.io "{name}" is invalid: metadata.name: Invalid value: "{name}": '
    )
    assert api.put(LEASES, lease(name)).failure == (code, reason, message)


def test_labels_and_annotations_must_be_well_formed(api: Api) -> None:
    metadata = {"name": "x", "labels": {"a b": "c d"}, "annotations": {"e f": ""}}
    answer = api.post(LEASES, {"metadata": metadata})
    assert answer.code == 422
    fields = [cause["field"] for cause in answer.body["details"]["causes"]]
    assert sorted(fields) == ["metadata.annotations", "metadata.labels", "metadata.labels"]


def test_an_unchanged_put_is_no_write(api: Api) -> None:
    created = api.post(LEASES, lease(holderIdentity="a", renewTime=TIME))
    with api.watch(LEASES, resourceVersion=created.version) as events:
        again = api.put(LEASES, body(created))
        assert again.code == 200
        assert again.version == created.version
        changed = api.patch(LEASES, "x", {"spec": {"holderIdentity": "b"}})
        _, seen = events.next()
        assert seen["metadata"]["resourceVersion"] == changed.version


def test_a_put_on_the_newest_version_replaces(api: Api) -> None:
    created = api.post(LEASES, lease(holderIdentity="a", leaseDurationSeconds=15))
    replaced = api.put(LEASES, {**body(created), "spec": {"holderIdentity": "b"}})
    assert replaced.code == 200
    assert replaced.body["spec"] == {"holderIdentity": "b"}
    assert int(replaced.version) > int(created.version)
    assert replaced.metadata["uid"] == created.metadata["uid"]
    assert replaced.metadata["creationTimestamp"] == created.metadata["creationTimestamp"]


@pytest.mark.parametrize(
    ("resource", "named"), [(LEASES, LEASES), ("configmaps", "configmaps"), ("endpoints",) * 2]
)
def test_a_put_on_an_older_version_is_a_conflict(api: Api, resource: str, named: str) -> None:
    created = api.post(resource, {"metadata": {"name": "x"}})
    api.patch(resource, "x", {"metadata": {"annotations": {"touched": "yes"}}})
    answer = api.put(resource, body(created))
    assert answer.failure == stale(named)
    assert answer.body["details"]["name"] == "x"


def test_a_lease_is_not_replaced_without_a_version(api: Api) -> None:
    created = api.post(LEASES, lease())
    rule = "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    failure = (422, "Invalid", f'leases.coordination.k8s.io "x" is invalid: {rule}')
    assert api.put(LEASES, body(created, resourceVersion=None)).failure == failure
    assert api.put(LEASES, body(created, resourceVersion="0")).failure == failure


@pytest.mark.parametrize("resource", ["configmaps", "endpoints"])
def test_other_kinds_are_replaced_without_a_version(api: Api, resource: str) -> None:
    created = api.post(resource, {"metadata": {"name": "x", "annotations": {"a": "b"}}})
    replaced = api.put(resource, {"metadata": {"name": "x"}})
    assert replaced.code == 200
    assert "annotations" not in replaced.metadata
    assert int(replaced.version) > int(created.version)


@pytest.mark.parametrize(
    ("resource", "named", "key"),
    [
        (LEASES, LEASES, "leases"),
        ("configmaps", "configmaps", "configmaps"),
        ("endpoints", "endpoints", "services/endpoints"),
    ],
)
def test_a_put_with_another_uid_is_a_conflict(api: Api, resource: str, named: str, key: str) -> None:
    created = api.post(resource, {"metadata": {"name": "x"}})
    assert api.put(resource, body(created, uid=ELSE)).failure == (
        409,
        "Conflict",
        (
            f'Operation cannot be fulfilled on {named} "x": StorageError: invalid object, Code: 4, '
            f"Key: /registry/{key}/{api.namespace}/x, ResourceVersion: 0, AdditionalErrorMsg: "
            f"Precondition failed: UID in precondition: {ELSE}, UID in object meta: {created.metadata['uid']}"
        ),
    )


@pytest.mark.parametrize("resource", [LEASES, "endpoints"])
@pytest.mark.parametrize("version", [None, "5"])
def test_a_put_without_uid_creates_what_is_missing(api: Api, resource: str, version: str | None) -> None:
    first = api.post(resource, {"metadata": {"name": "x"}})
    api.delete(resource, "x")
    created = api.put(resource, body(first, uid=None, resourceVersion=version))
    assert created.code == 201
    assert created.metadata["uid"] != first.metadata["uid"]
    assert int(created.version) > int(first.version)


@pytest.mark.parametrize("resource", [LEASES, "endpoints"])
@pytest.mark.parametrize("with_version", [True, False])
def test_a_put_with_uid_never_recreates(api: Api, resource: str, with_version: bool) -> None:
    created = api.post(resource, {"metadata": {"name": "x"}})
    api.delete(resource, "x")
    late = body(created) if with_version else body(created, resourceVersion=None)
    code, reason, message = api.put(resource, late).failure
    assert (code, reason) == (409, "Conflict")
    assert message.endswith(
        f"Precondition failed: UID in precondition: {created.metadata['uid']}, UID in object meta: "
    )
    assert api.get(resource, "x").code == 404


@pytest.mark.parametrize("uid", [None, ELSE])
def test_a_put_on_a_missing_configmap_finds_nothing(api: Api, uid: str | None) -> None:
    metadata = {"name": "x"} if uid is None else {"name": "x", "uid": uid}
    assert api.put("configmaps", {"metadata": metadata}).failure == (
        404,
        "NotFound",
        'configmaps "x" not found',
    )


def test_a_put_must_name_its_object(api: Api) -> None:
    created = api.post(LEASES, lease())
    message = "the name of the object (y) does not match the name on the URL (x)"
    assert api.put(LEASES, body(created, name="y"), "x").failure == (400, "BadRequest", message)
    message = "the namespace of the provided object does not match the namespace sent on the request"
    assert api.put(LEASES, body(created, namespace="else")).failure == (400, "BadRequest", message)
    code, reason, _ = api.put(LEASES, body(created, name=None), "x").failure
    assert (code, reason) == (400, "BadRequest")


def test_another_creation_time_is_ignored(api: Api) -> None:
    created = api.post(LEASES, lease())
    answer = api.put(LEASES, body(created, creationTimestamp="2020-01-01T00:00:00Z"))
    assert answer.code == 200
    assert answer.version == created.version


@pytest.mark.parametrize(
    ("time", "fault"),
    [
        ("2026-11-21T07:31:00Z", 'cannot parse "Z" as ".000000"'),
        ("2026-11-21T07:31:00.123Z", 'cannot parse ".123Z" as ".000000"'),
        ("2026-11-21T07:31:00.123456789Z", 'cannot parse "789Z" as "Z07:00"'),
        ("2026-11-21T07:31:00.123456", 'cannot parse "" as "Z07:00"'),
        ("2026-11-21 07:31:00.123456Z", 'cannot parse " 07:31:00.123456Z" as "T"'),
        ("2026-13-21T07:31:00.123456Z", "month out of range"),
        ("2026-02-30T07:31:00.123456Z", "day out of range"),
        ("2026-11-21T25:31:00.123456Z", "hour out of range"),
        ("soon", 'cannot parse "soon" as "2006"'),
    ],
)
def test_a_lease_time_has_six_digits(api: Api, time: str, fault: str) -> None:
    code, reason, message = api.post(LEASES, lease(renewTime=time)).failure
    assert (code, reason) == (400, "BadRequest")
    assert message.startswith(f'Lease in version "v1" cannot be handled as a Lease: parsing time "{time}"')
    assert message.endswith(f": {fault}")


def test_a_lease_time_is_kept_in_utc(api: Api) -> None:
    created = api.post(LEASES, lease(renewTime="2026-11-21T07:31:00.123456+02:00"))
    assert created.body["spec"]["renewTime"] == "2026-11-21T05:31:00.123456Z"


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("leaseDurationSeconds", "15", "json: cannot unmarshal string into"),
        ("leaseDurationSeconds", 1.5, "json: cannot unmarshal number 1.5 into"),
        ("leaseDurationSeconds", True, "json: cannot unmarshal bool into"),
        ("leaseTransitions", 2**31, "json: cannot unmarshal number 2147483648 into"),
        ("holderIdentity", 5, "json: cannot unmarshal number into"),
        ("holderIdentity", ["a"], "json: cannot unmarshal array into"),
        (
            "renewTime",
            5,
            "json: cannot unmarshal number into",
        ),
    ],
)
def test_a_lease_field_has_its_type(api: Api, field: str, value: object, fault: str) -> None:
    code, reason, message = api.post(LEASES, lease(**{field: value})).failure
    assert (code, reason) == (400, "BadRequest")
    assert message.startswith(f'Lease in version "v1" cannot be handled as a Lease: {fault}')


def test_a_lease_duration_is_positive_and_transitions_are_not_negative(api: Api) -> None:
    duration = "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"
    transitions = "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"
    prefix = 'Lease.coordination.k8s.io "x" is invalid: '
    answer = api.post(LEASES, lease(leaseDurationSeconds=0))
    assert answer.failure == (422, "Invalid", prefix + duration)
    assert answer.body["details"] == {
        "name": "x",
        "group": "coordination.k8s.io",
        "kind": "Lease",
        "causes": [
            {
                "reason": "FieldValueInvalid",
                "message": "Invalid value: 0: must be greater than 0",
                "field": "spec.leaseDurationSeconds",
            }
        ],
    }
    both = api.post(LEASES, lease(leaseDurationSeconds=0, leaseTransitions=-1))
    assert both.failure == (422, "Invalid", f"{prefix}[{duration}, {transitions}]")


def test_unknown_fields_and_nulls_are_dropped(api: Api) -> None:
    created = api.post(LEASES, {**lease(unknown=1, holderIdentity=None, renewTime=None), "more": 2})
    assert created.code == 201
    assert created.body["spec"] == {}
    assert "more" not in created.body


@pytest.mark.parametrize(
    ("unknown", "field"),
    [
        ({"more": 1}, "more"),
        ({"spec": {"more": 1}}, "spec.more"),
        ({"metadata": {"name": "x", "more": 1}}, "metadata.more"),
    ],
)
def test_unknown_fields_are_refused_on_demand(api: Api, unknown: dict[str, Any], field: str) -> None:
    path = api.path(LEASES, fieldValidation="Strict")
    fault = f'strict decoding error: unknown field "{field}"'
    message = f'Lease in version "v1" cannot be handled as a Lease: {fault}'
    assert api.request("POST", path, {**lease(), **unknown}).failure == (400, "BadRequest", message)
    created = api.request("POST", path, lease(holderIdentity="a"))
    assert created.code == 201
    path = api.path(LEASES, "x", fieldValidation="Strict")
    assert api.request("PUT", path, created.body).code == 200
    assert api.request("PUT", path, {**created.body, **unknown}).failure == (400, "BadRequest", message)


def test_configmap_data_are_strings_under_plain_keys(api: Api) -> None:
    code, _, message = api.post("configmaps", {"metadata": {"name": "x"}, "data": {"a": 5}}).failure
    assert code == 400
    assert message.endswith(
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"
    )
    code, _, message = api.post("configmaps", {"metadata": {"name": "x"}, "data": {"a b": "c"}}).failure
    assert code == 422
    assert 'data[a b]: Invalid value: "a b": a valid config key' in message


def test_another_kind_is_refused(api: Api) -> None:
    code, reason, message = api.post(LEASES, {**lease(), "kind": "ConfigMap", "apiVersion": "v1"}).failure
    assert (code, reason) == (400, "BadRequest")
    assert message.startswith('ConfigMap in version "v1" cannot be handled as a Lease: ')


@pytest.mark.parametrize("data", [b'{"a', b"[]", b""])
def test_a_broken_body_is_a_bad_request(api: Api, data: bytes) -> None:
    code, reason, _ = api.request("POST", api.path(LEASES), data).failure
    assert (code, reason) == (400, "BadRequest")


def test_an_unknown_media_type_is_unsupported(api: Api) -> None:
    answer = api.request("POST", api.path(LEASES), b"x", "text/plain")
    assert answer.failure[:2] == (415, "UnsupportedMediaType")


def test_a_deletion_answers_with_what_was_deleted(api: Api) -> None:
    created = api.post(LEASES, lease())
    answer = api.delete(LEASES, "x")
    assert answer.code == 200
    assert answer.body["status"] == "Success"
    assert answer.body["details"] == {
        "name": "x",
        "group": "coordination.k8s.io",
        "kind": "leases",
        "uid": created.metadata["uid"],
    }
    account = api.post("serviceaccounts", {"metadata": {"name": "x"}})
    assert api.delete("serviceaccounts", "x").metadata["uid"] == account.metadata["uid"]


def test_a_deletion_keeps_to_its_preconditions(api: Api) -> None:
    created = api.post(LEASES, lease())
    uid, version = created.metadata["uid"], created.version
    assert api.delete(LEASES, "x", {"preconditions": {"uid": ELSE}}).failure == (
        409,
        "Conflict",
        (
            'Operation cannot be fulfilled on Lease.coordination.k8s.io "x": the UID in the precondition '
            f"({ELSE}) does not match the UID in record ({uid}). "
            "The object might have been deleted and then recreated"
        ),
    )
    assert api.delete(LEASES, "x", {"preconditions": {"resourceVersion": "1"}}).failure == (
        409,
        "Conflict",
        (
            'Operation cannot be fulfilled on Lease.coordination.k8s.io "x": the ResourceVersion in the '
            f"precondition (1) does not match the ResourceVersion in record ({version}). "
            "The object might have been modified"
        ),
    )
    met = {"preconditions": {"uid": uid, "resourceVersion": version}}
    assert api.delete(LEASES, "x", met).code == 200


def test_a_collection_is_deleted_by_selector(api: Api) -> None:
    for name, labels in (("a", {"go": "yes"}), ("b", {"go": "no"}), ("c", {"go": "yes"})):
        api.post(LEASES, {"metadata": {"name": name, "labels": labels}})
    deleted = api.delete(LEASES, labelSelector="go=yes")
    assert deleted.code == 200
    assert deleted.body["kind"] == "LeaseList"
    assert [item["metadata"]["name"] for item in deleted.body["items"]] == ["a", "c"]
    assert [item["metadata"]["name"] for item in api.get(LEASES).body["items"]] == ["b"]


def test_endpoint_slices_and_events_are_stored(api: Api) -> None:
    endpoints = [{"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "p"}}]
    slice_ = {"metadata": {"name": "x"}, "addressType": "IPv4", "endpoints": endpoints}
    created = api.post("endpointslices.discovery.k8s.io", slice_)
    assert created.code == 201
    assert created.body["endpoints"][0]["targetRef"]["name"] == "p"
    about = {"kind": "Lease", "name": "x", "namespace": api.namespace}
    api.post("events", {"metadata": {"name": "e"}, "involvedObject": about, "reason": "R", "type": "Normal"})
    found = api.get("events", fieldSelector="involvedObject.name=x,reason=R").body["items"]
    assert [event["metadata"]["name"] for event in found] == ["e"]


@pytest.mark.parametrize(("method", "name"), [("POST", "x"), ("PUT", "")])
def test_a_verb_in_the_wrong_place_is_not_allowed(api: Api, method: str, name: str) -> None:
    message = "the server does not allow this method on the requested resource"
    answer = api.request(method, api.path(LEASES, name), lease())
    assert answer.failure == (405, "MethodNotAllowed", message)


def test_unknown_urls_are_not_found(api: Api) -> None:
    message = "the server could not find the requested resource"
    assert api.get("foos").failure == (404, "NotFound", message)
    assert api.request("GET", "/apis/coordination.k8s.io/v1/leases/x").failure == (404, "NotFound", message)
    assert api.get("foos.example.org") == Answer(404, b"404 page not found\n")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_the_server_is_healthy(api: Api, path: str) -> None:
    assert api.request("GET", path) == Answer(200, b"ok")
