"""The kinds of lock, and the way from one to another without a leader in each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tenure.devserver import DevServer
from tests.devserver.api import Api
from tests.sidecar.conftest import MakeSidecar
from tests.sidecar.process import eventually

_LEADER = "control-plane.alpha.kubernetes.io/leader"
_LEASES = "leases.coordination.k8s.io"
_PLURALS = {"endpoints": "endpoints", "configmap": "configmaps"}
_KINDS = {"endpoints": "Endpoints", "configmap": "ConfigMap"}


def holders(api: Api) -> dict[str, str]:
    """Return who holds which object."""
    found = {}
    for plural in ("endpoints", "configmaps"):
        answer = api.get(plural, "example")
        if answer.code == 200:
            annotation = (answer.metadata.get("annotations") or {}).get(_LEADER)
            found[plural] = json.loads(annotation)["holderIdentity"] if annotation else ""
            if "data" in answer.body:
                found["blackboard"] = answer.body["data"]["leader"]
    answer = api.get(_LEASES, "example")
    if answer.code == 200:
        found["leases"] = answer.body["spec"]["holderIdentity"]
    return {where: holder for where, holder in found.items() if holder}


def old_record(kind: str, holder: str, renew_time: str = "2016-01-01T00:00:00Z") -> dict[str, Any]:
    """Return an object as the 2016 image or client-go leaves it."""
    record = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 2,
        "acquireTime": "2016-01-01T00:00:00Z",
        "renewTime": renew_time,
        "leaderTransitions": 0,
    }
    metadata = {"name": "example", "annotations": {_LEADER: json.dumps(record)}}
    return {"apiVersion": "v1", "kind": _KINDS[kind], "metadata": metadata}


@pytest.mark.parametrize(
    ("lock", "written"),
    [
        ("lease", ["leases"]),
        ("endpoints", ["endpoints"]),
        ("configmap", ["configmaps"]),
        ("blackboard", ["blackboard"]),
        ("endpointsleases", ["endpoints", "leases"]),
        ("configmapsleases", ["configmaps", "leases"]),
    ],
)
def test_each_kind_writes_its_own_objects(
    sidecar: MakeSidecar, api: Api, lock: str, written: list[str]
) -> None:
    sidecar("a", f"--lock={lock}").until_leading()
    eventually(lambda: holders(api) == dict.fromkeys(written, "a"))


@pytest.mark.parametrize(
    ("old", "way"),
    [
        ("endpoints", "go endpoints -> endpointsleases -> lease"),
        ("configmap", "go configmap -> configmapsleases -> lease"),
    ],
)
def test_a_lease_beside_a_live_older_leader_is_refused(
    sidecar: MakeSidecar, api: Api, old: str, way: str
) -> None:
    # The old one renews without release, as the image of 2016 does.
    sidecar("old", f"--lock={old}", "--lease-duration=3s").until_leading()
    new = sidecar("new")
    assert new.wait() == 2
    assert new.stderr[-1].startswith(f"tenure: {old} default/example has a live leader")
    assert way in new.stderr[-1]
    assert new.stdout == []
    assert holders(api) == {_PLURALS[old]: "old"}


def test_while_it_looks_it_is_not_ready(sidecar: MakeSidecar, api: Api) -> None:
    record = old_record("endpoints", "old")
    text = record["metadata"]["annotations"][_LEADER].replace(": 2,", ": 3600,")
    record["metadata"]["annotations"][_LEADER] = text
    assert api.post("endpoints", record).code == 201
    new = sidecar("new")
    answer = new.until("/readyz", lambda answer: "'old'" in answer.text)
    assert answer.status == 503
    assert new.get("/").json == {"name": ""}
    assert new.get("/leader").status == 503
    assert new.end() == 0


def test_other_kinds_refuse_too(sidecar: MakeSidecar, api: Api) -> None:
    sidecar("old", "--lock=endpoints", "--lease-duration=3s").until_leading()
    for lock in ("configmap", "blackboard", "configmapsleases"):
        new = sidecar("new", f"--lock={lock}")
        assert new.wait() == 2
        assert "use --lock endpoints, or end its candidates first" in new.stderr[-1]
    assert holders(api) == {"endpoints": "old"}


def test_a_dead_older_record_is_passed_by(sidecar: MakeSidecar, api: Api) -> None:
    assert api.post("endpoints", old_record("endpoints", "gone")).code == 201
    new = sidecar("new")
    new.until_leading()
    assert "endpoints default/example names 'gone' as its leader" in new.stderr[0]
    assert len(new.stderr) == 1


def test_a_time_in_the_future_does_not_make_a_dead_record_live(sidecar: MakeSidecar, api: Api) -> None:
    assert api.post("configmaps", old_record("configmap", "gone", "2999-01-01T00:00:00Z")).code == 201
    sidecar("new").until_leading()


def test_an_old_time_does_not_make_a_live_record_dead(sidecar: MakeSidecar, api: Api) -> None:
    assert api.post("endpoints", old_record("endpoints", "old")).code == 201
    new = sidecar("new")
    eventually(lambda: new.stderr)
    # Renewed by a machine whose clock is years behind.
    assert api.put("endpoints", old_record("endpoints", "old", "2016-01-01T00:00:01Z")).code == 200
    assert new.wait() == 2


def test_objects_without_a_leader_delay_nothing(sidecar: MakeSidecar, api: Api, devserver: DevServer) -> None:
    for kind, plural in _PLURALS.items():
        assert api.post(plural, old_record(kind, "")).code == 201
    devserver.requests.clear()
    new = sidecar("new")
    new.until_leading()
    assert new.stderr == []
    reads = [request.path for request in devserver.requests if "/v1/namespaces/default/" in request.path]
    assert [path for path in reads if path.endswith(("endpoints/example", "configmaps/example"))] == [
        api.path("endpoints", "example"),
        api.path("configmaps", "example"),
    ]


def test_the_way_from_endpoints_to_a_lease_never_has_two_leaders(sidecar: MakeSidecar, api: Api) -> None:
    flags = ("--lease-duration=3s",)
    old = sidecar("old", "--lock=endpoints", *flags)
    old.until_leading()
    both = sidecar("both", "--lock=endpointsleases", *flags)
    both.until_named("old")
    assert old.end() == 0
    both.until_leading()
    eventually(lambda: holders(api) == {"endpoints": "both", "leases": "both"})
    new = sidecar("new", "--lock=lease", *flags)
    new.until_named("both")
    assert both.end() == 0
    new.until_leading()
    assert holders(api) == {"leases": "new"}
