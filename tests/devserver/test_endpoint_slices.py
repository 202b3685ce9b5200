"""EndpointSlices, as peers look for them: on the embedded server as on the real one."""

from __future__ import annotations

from typing import Any

from tests.devserver.api import Api

SLICES = "endpointslices.discovery.k8s.io"
OF_REPORTS = "kubernetes.io/service-name=reports"


def endpoint_slice(name: str, *hosts: str, service: str = "reports") -> dict[str, Any]:
    """A slice of a Service."""
    endpoints = [
        {
            "addresses": [host],
            "conditions": {"ready": False},
            "targetRef": {"kind": "Pod", "name": f"pod-{n}"},
        }
        for n, host in enumerate(hosts)
    ]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"name": "peers", "port": 7411, "protocol": "UDP"}],
    }


def hosts_in(obj: dict[str, Any]) -> list[str]:
    """The first address of each endpoint; a real server may leave out an empty list or send null."""
    return [each["addresses"][0] for each in obj.get("endpoints") or []]


def test_a_slice_is_created_replaced_patched_and_deleted(api: Api) -> None:
    created = api.post(SLICES, endpoint_slice("x", "10.0.0.1"))
    assert created.code == 201
    assert api.get(SLICES, "x").body == created.body
    assert created.body["endpoints"][0]["targetRef"] == {"kind": "Pod", "name": "pod-0"}
    assert created.body["endpoints"][0]["conditions"] == {"ready": False}
    assert created.body["ports"] == [{"name": "peers", "port": 7411, "protocol": "UDP"}]
    replaced = api.put(SLICES, endpoint_slice("x", "10.0.0.1", "10.0.0.2"))
    assert replaced.code == 200
    assert hosts_in(replaced.body) == ["10.0.0.1", "10.0.0.2"]
    assert int(replaced.version) > int(created.version)
    patched = api.patch(SLICES, "x", {"endpoints": [{"addresses": ["10.0.0.3"]}]})
    assert hosts_in(patched.body) == ["10.0.0.3"]
    assert api.delete(SLICES, "x").code == 200
    assert api.get(SLICES, "x").failure[:2] == (404, "NotFound")
    assert api.put(SLICES, endpoint_slice("x")).failure[:2] == (404, "NotFound")


def test_the_slices_of_a_service_are_listed(api: Api) -> None:
    for name, service in (("x", "reports"), ("y", "reports"), ("z", "others")):
        api.post(SLICES, endpoint_slice(name, "10.0.0.1", service=service))
    found = api.get(SLICES, labelSelector=OF_REPORTS)
    assert found.body["kind"] == "EndpointSliceList"
    assert [item["metadata"]["name"] for item in found.body["items"]] == ["x", "y"]


def test_the_slices_of_a_service_are_watched(api: Api) -> None:
    api.post(SLICES, endpoint_slice("z", "10.0.0.9", service="others"))
    version = api.get(SLICES, labelSelector=OF_REPORTS).version
    with api.watch(SLICES, labelSelector=OF_REPORTS, resourceVersion=version) as events:
        api.put(SLICES, endpoint_slice("z", "10.0.0.8", service="others"))
        created = api.post(SLICES, endpoint_slice("x", "10.0.0.1"))
        assert events.next() == ("ADDED", created.body)
        replaced = api.put(SLICES, endpoint_slice("x"))
        assert events.next() == ("MODIFIED", replaced.body)
        assert hosts_in(replaced.body) == []
        api.delete(SLICES, "x")
        assert events.next()[0] == "DELETED"
