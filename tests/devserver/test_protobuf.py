"""Bodies in protobuf, as Go clients send them: on the embedded server as on the real one."""

from __future__ import annotations

import pytest

from tests.devserver.api import Answer, Api

PROTOBUF = "application/vnd.kubernetes.protobuf"


def varint(value: int) -> bytes:
    """A whole number."""
    head = bytearray()
    while value > 0x7F:
        head.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(head) + bytes([value])


def message(**fields: bytes | str | int | list[bytes]) -> bytes:
    """A message of fields named after their numbers, such as ``f1``."""
    encoded = b""
    for name, value in fields.items():
        number = int(name[1:])
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int):
                encoded += varint(number << 3) + varint(item)
            else:
                data = item.encode() if isinstance(item, str) else item
                encoded += varint(number << 3 | 2) + varint(len(data)) + data
    return encoded


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    """The object as it is sent."""
    return b"k8s\x00" + message(f1=message(f1=api_version, f2=kind), f2=raw)


def post(api: Api, resource: str, body: bytes) -> Answer:
    """Create an object."""
    return api.request("POST", api.path(resource), body, PROTOBUF)


def test_a_lease_is_created(api: Api) -> None:
    renewed = message(f1=1795246260, f2=123456000)
    spec = message(f1="a", f2=15, f4=renewed, f5=300)
    metadata = message(f1="x", f8=b"", f11=[message(f1="k", f2="v")], f12=[message(f1="n"), message(f1="m")])
    created = post(
        api,
        "leases.coordination.k8s.io",
        envelope("coordination.k8s.io/v1", "Lease", message(f1=metadata, f2=spec)),
    )
    assert created.code == 201, created.body
    assert created.metadata["labels"] == {"k": "v"}
    assert created.metadata["annotations"] == {"n": "", "m": ""}
    assert created.body["spec"] == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "renewTime": "2026-11-21T07:31:00.123456Z",
        "leaseTransitions": 300,
    }


def test_negative_numbers_are_read(api: Api) -> None:
    spec = message(f5=2**64 - 1)
    body = envelope("coordination.k8s.io/v1", "Lease", message(f1=message(f1="x"), f2=spec))
    answer = post(api, "leases.coordination.k8s.io", body)
    assert answer.code == 422
    assert answer.failure[2].endswith("Invalid value: -1: must be greater than or equal to 0")


def test_a_configmap_is_created(api: Api) -> None:
    data, binary = message(f1="leader", f2="a"), message(f1="blob", f2=b"\x00\xff")
    created = post(
        api, "configmaps", envelope("v1", "ConfigMap", message(f1=message(f1="x"), f2=data, f3=binary, f4=1))
    )
    assert created.code == 201, created.body
    assert created.body["data"] == {"leader": "a"}
    assert created.body["binaryData"] == {"blob": "AP8="}
    assert created.body["immutable"] is True


def test_endpoints_are_created(api: Api) -> None:
    address = message(f1="10.0.0.1", f2=message(f1="Pod", f3="p"), f3="p")
    subset = message(f1=[address], f3=[message(f1="http", f2=80, f3="TCP")])
    created = post(api, "endpoints", envelope("v1", "Endpoints", message(f1=message(f1="x"), f2=[subset])))
    assert created.code == 201, created.body
    assert created.body["subsets"] == [
        {
            "addresses": [{"ip": "10.0.0.1", "hostname": "p", "targetRef": {"kind": "Pod", "name": "p"}}],
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
        }
    ]


def test_an_event_is_created(api: Api) -> None:
    about = message(f1="Lease", f2=api.namespace, f3="x")
    seen = message(f1=1795246260)
    body = message(
        f1=message(f1="e"), f2=about, f3="R", f4="m", f5=message(f1="c"), f6=seen, f7=seen, f8=1, f9="Normal"
    )
    created = post(api, "events", envelope("v1", "Event", body))
    assert created.code == 201, created.body
    assert created.body["involvedObject"] == {"kind": "Lease", "namespace": api.namespace, "name": "x"}
    assert created.body["source"] == {"component": "c"}
    assert created.body["firstTimestamp"] == created.body["lastTimestamp"] == "2026-11-21T07:31:00Z"
    assert created.body["count"] == 1


def test_a_deletion_reads_its_preconditions(api: Api) -> None:
    api.post("configmaps", {"metadata": {"name": "x"}})
    options = envelope("v1", "DeleteOptions", message(f2=message(f1="b9b1f8ba-9b5c-4d7f-9f3f-0123456789ab")))
    answer = api.request("DELETE", api.path("configmaps", "x"), options, PROTOBUF)
    assert answer.failure[:2] == (409, "Conflict")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"k8s\x00",
        b"k8s\x00\x0a\x7f",
        envelope("v1", "ConfigMap", b"\x0a\x7f"),
        envelope("v1", "ConfigMap", message(f1=message(f1="x"), f2=b"\x0a\x05leader"[:4])),
        envelope("v1", "ConfigMap", b"\x0f"),
    ],
)
def test_a_broken_body_is_a_bad_request(api: Api, body: bytes) -> None:
    assert post(api, "configmaps", body).failure[:2] == (400, "BadRequest")
