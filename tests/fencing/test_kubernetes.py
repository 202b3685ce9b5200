"""KubernetesFence: on both API servers, a stale controller overwrites nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tenure import ConfigurationError, FencingToken, StaleTokenError
from tenure.fencing.kubernetes import ANNOTATION, KubernetesFence, fenced
from tenure.kubernetes.resource import CONFIGMAPS
from tests.cluster.server import Cluster
from tests.devserver.api import Api
from tests.drivers.tools import PATIENCE_S
from tests.fencing import kubernetes_writers
from tests.fencing.leaders import old_and_new
from tests.fencing.place import Place, place
from tests.fencing.writes import Write, violations

__all__ = ["place"]

OLD, NEW = FencingToken(0, 4, "default/a"), FencingToken(0, 5, "default/a")
OTHER = FencingToken(0, 1, "default/b")
READ = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "state", "resourceVersion": "7", "uid": "u", "annotations": {"mine": "kept"}},
    "data": {"key": "value"},
}


def annotated(text: str) -> dict[str, Any]:
    return {**READ, "metadata": {**READ["metadata"], "annotations": {ANNOTATION: text}}}  # type: ignore[dict-item]


def test_the_annotation_is_raised_in_a_copy_and_nothing_else_changes() -> None:
    raised = fenced(READ, NEW)
    assert json.loads(raised["metadata"]["annotations"].pop(ANNOTATION)) == {"default/a": "5"}
    assert raised == READ
    assert fenced({**READ, "metadata": {"name": "x", "resourceVersion": "1"}}, NEW)["metadata"]["annotations"]


def test_lower_is_refused_and_equal_passes() -> None:
    raised = fenced(READ, NEW)
    assert fenced(raised, NEW) == raised
    with pytest.raises(
        StaleTokenError, match=f"{ANNOTATION} of ConfigMap state has seen token 5 of default/a"
    ):
        fenced(raised, OLD)


def test_elections_that_write_to_one_object_have_each_their_own_token() -> None:
    raised = fenced(fenced(READ, NEW), OTHER)
    assert json.loads(raised["metadata"]["annotations"][ANNOTATION]) == {"default/a": "5", "default/b": "1"}
    with pytest.raises(StaleTokenError):
        fenced(raised, OLD)


def test_tokens_are_compared_as_numbers_however_long() -> None:
    epochs = fenced(fenced(READ, FencingToken(0, 9, "e")), FencingToken(1, 0, "e"))
    assert json.loads(epochs["metadata"]["annotations"][ANNOTATION]) == {"e": str(2**64)}
    with pytest.raises(StaleTokenError):
        fenced(epochs, FencingToken(0, 2**64 - 1, "e"))


def test_an_object_without_a_version_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no metadata\.resourceVersion: read the object first"):
        fenced({"kind": "ConfigMap", "metadata": {"name": "state"}}, NEW)


@pytest.mark.parametrize("text", ["", "5", "[]", '"5"', '{"default/a":5}', '{"default/a":"-5"}', "[" * 9999])
def test_an_annotation_that_cannot_be_read_refuses_everybody(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not a ledger of fencing tokens"):
        fenced(annotated(text), NEW)


def create(place: Place, name: str = "state", **data: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    assert place.api.post("configmaps", body).code == 201


def data_of(place: Place, name: str = "state") -> Mapping[str, str]:
    found: Mapping[str, str] = place.api.get("configmaps", name).body.get("data") or {}
    return found


def fence_of(place: Place) -> KubernetesFence:
    return KubernetesFence(CONFIGMAPS, "state", place.namespace, kubeconfig=place.kubeconfig)


def test_raise_to_and_update(place: Place) -> None:
    create(place, key="before")

    async def story() -> None:
        fence = fence_of(place)
        await fence.raise_to(OLD)
        await fence.update(OLD, lambda obj: obj["data"].update(key="old"))
        await fence.raise_to(NEW)
        await fence.raise_to(NEW)
        with pytest.raises(StaleTokenError):
            await fence.update(OLD, lambda obj: obj["data"].update(key="late"))
        await fence.raise_to(OTHER)

    asyncio.run(story())
    found = place.api.get("configmaps", "state").body
    assert found["data"] == {"key": "old"}
    assert json.loads(found["metadata"]["annotations"][ANNOTATION]) == {"default/a": "5", "default/b": "1"}


def test_a_change_cannot_take_the_fence_away(place: Place) -> None:
    create(place)

    def replace_all(obj: dict[str, Any]) -> None:
        obj.clear()
        obj.update(apiVersion="v1", kind="ConfigMap", metadata={"name": "state"}, data={"key": "new"})

    async def story() -> None:
        await fence_of(place).update(NEW, replace_all)
        with pytest.raises(StaleTokenError):
            await fence_of(place).raise_to(OLD)

    asyncio.run(story())
    assert data_of(place) == {"key": "new"}


def test_a_write_in_between_makes_it_read_and_check_again(place: Place) -> None:
    create(place)
    seen: list[str | None] = []

    def change(obj: dict[str, Any]) -> None:
        seen.append((obj.get("data") or {}).get("foreign"))
        if len(seen) == 1:
            place.api.patch("configmaps", "state", {"data": {"foreign": "there"}})
        obj["data"] = {**(obj.get("data") or {}), "own": "there"}

    asyncio.run(fence_of(place).update(NEW, change))
    assert seen == [None, "there"]
    assert data_of(place) == {"foreign": "there", "own": "there"}


@pytest.mark.cluster
def test_a_patch_and_a_status_are_refused_by_the_version_they_name(cluster: Cluster, namespace: str) -> None:
    api = Api(cluster.url, token=cluster.admin_token, ca_file=str(cluster.ca_file), namespace=namespace)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "state"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    read = fenced(api.post("persistentvolumeclaims", claim).body, OLD)
    raised = api.put("persistentvolumeclaims", fenced(read, NEW)).body
    status = api.path("persistentvolumeclaims", "state") + "/status"
    assert api.request("PUT", status, read).code == 409
    version = {
        "metadata": {"resourceVersion": read["metadata"]["resourceVersion"], "labels": {"late": "yes"}}
    }
    assert api.patch("persistentvolumeclaims", "state", version).code == 409
    assert api.request("PUT", status, fenced(raised, NEW)).code == 200
    after = api.get("persistentvolumeclaims", "state").body["metadata"]
    assert after["annotations"] == raised["metadata"]["annotations"]
    assert "labels" not in after


# With a client of its own, as any controller has one: read, fence, PUT.
ANY_CLIENT = """
import json, urllib.request
from tenure.fencing.kubernetes import fenced
sys.path.insert(0, os.environ["SOURCES"])
from tests.fencing.kubernetes_writers import api

def lead(term):
    found = fenced(api().get("configmaps", "state").body, term.token)
    found = api().put("configmaps", found).body      # raises the fence, and is the first read
    pause()
    found["data"] = {"written-by": str(term.token)}
    outcome(lambda: api().put("configmaps", fenced(found, term.token)).code)
    outcome(lambda: fenced(api().get("configmaps", "state").body, term.token) and "again")
"""

OWN_CLIENT = """
from tenure.fencing.kubernetes import KubernetesFence
from tenure.kubernetes.resource import CONFIGMAPS

def lead(term):
    fence = KubernetesFence(CONFIGMAPS, "state", os.environ["POD_NAMESPACE"], kubeconfig=kubeconfig)
    asyncio.run(fence.raise_to(term.token))
    changed = []
    def change(obj):
        if not changed:  # it has been read and checked by now, and not yet been written
            pause()
        changed.append(obj)
        obj["data"] = {"written-by": str(term.token)}
    outcome(lambda: asyncio.run(fence.update(term.token, change))["data"]["written-by"])
"""


def test_a_stale_controller_that_had_read_before_is_refused_by_the_server(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(place)
    kubernetes_writers.export(place, monkeypatch)
    with old_and_new(ANY_CLIENT, place.kubeconfig) as (old, new):
        assert new.says() == "wrote again"
        before = place.api.get("configmaps", "state").body
        assert old.says() == "wrote 409"  # by resourceVersion
        assert old.says().startswith("StaleTokenError")  # read anew: by the annotation
        assert place.api.get("configmaps", "state").body == before


def test_a_stale_controller_with_our_client_is_refused(place: Place) -> None:
    create(place)
    with old_and_new(OWN_CLIENT, place.kubeconfig) as (old, _):
        before = place.api.get("configmaps", "state").body
        assert old.says().startswith(f"StaleTokenError annotation {ANNOTATION} of ConfigMap state has seen")
        assert place.api.get("configmaps", "state").body == before
        assert int(before["data"]["written-by"]) > 0


WRITERS, WRITES = 6, 8


def test_many_writers_of_two_terms_at_once(place: Place) -> None:
    create(place, log="")
    history, acknowledged, refused = race(place, kubernetes_writers.fenced_append)
    assert violations(history, acknowledged) == []
    assert {write.token for write in history} == {4, 5}
    assert refused == WRITERS


@pytest.mark.parametrize("append", kubernetes_writers.BROKEN, ids=lambda append: append.__name__)
def test_the_history_tells_a_fence_that_leaks(place: Place, append: kubernetes_writers.Append) -> None:
    create(place, log="")
    history, acknowledged, _ = race(place, append)
    assert violations(history, acknowledged)


def race(place: Place, append: kubernetes_writers.Append) -> tuple[list[Write], list[Write], int]:
    """Let writers of the old term write until they are refused, and those of the new one begin meanwhile."""
    acknowledged: list[Write] = []
    refused = 0

    async def write(token: FencingToken, name: str, stopped: asyncio.Event, halfway: asyncio.Event) -> None:
        nonlocal refused
        number = 0
        while not (token is NEW and number == WRITES) and not stopped.is_set():
            entry = Write(int(token), f"{name}.{number}")
            try:
                await append(place, token, entry)
            except StaleTokenError:
                refused += 1
                return
            acknowledged.append(entry)
            number += 1
            if len(acknowledged) >= WRITERS:
                halfway.set()

    async def story() -> None:
        halfway, stopped = asyncio.Event(), asyncio.Event()
        async with asyncio.timeout(PATIENCE_S * 2), asyncio.TaskGroup() as group:
            for number in range(WRITERS):
                group.create_task(write(OLD, f"old-{number}", stopped, halfway))
            await halfway.wait()
            async with asyncio.TaskGroup() as newer:
                for number in range(WRITERS):
                    newer.create_task(write(NEW, f"new-{number}", stopped, halfway))
            if append is not kubernetes_writers.fenced_append:
                stopped.set()  # nobody would ever refuse the old ones

    asyncio.run(story())
    history = [Write.parse(line) for line in data_of(place)["log"].split()]
    return history, acknowledged, refused
