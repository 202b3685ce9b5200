"""What the locks in the Kubernetes API do to their objects, and what others may do to these."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tenure.lock import LockSession
from tenure.locks.kube_session import KubeSession
from tenure.record import Record, UnreadableRecord
from tests.cluster.server import Cluster
from tests.locks.arena import KINDS, TIMEOUT_S, KubeArena, on_server
from tests.locks.conftest import PlayKube
from tests.locks.test_conformance import LED, NOON, RENEWED, record_of

MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
WHOLE_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LEADER = "control-plane.alpha.kubernetes.io/leader"
LIVENESS = "tenure.dev/liveness"


def stored_fields(arena: KubeArena, obj: dict[str, Any]) -> dict[str, str]:
    """Return the election's fields of the object, read by no code of the locks."""
    if arena.kind == "lease":
        return {key: str(value) for key, value in obj["spec"].items()}
    text = obj["metadata"]["annotations"][LIVENESS if arena.kind == "blackboard" else LEADER]
    return dict(re.findall(r'"(\w+)":"?([^",}]*)', text))


def test_the_wire_format(play_kube: PlayKube) -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.session() as session:
            created = await session.create(replace(LED, lease_duration=0.5), timeout=TIMEOUT_S)
        obj = await arena.get()
        fields = stored_fields(arena, obj)
        time = MICRO_TIME if arena.kind == "lease" else WHOLE_SECONDS
        assert fields["holderIdentity"] == "a"
        assert fields["leaseDurationSeconds"] == "1"
        assert time.fullmatch(fields["renewTime"])
        assert time.fullmatch(fields["acquireTime"])
        annotations = obj["metadata"]["annotations"]
        assert annotations["tenure.dev/attempt"] == f"f0/1@{fields['renewTime']}"
        assert annotations["tenure.dev/lease-duration"] == "0.5"
        assert "tenure.dev/token" not in annotations
        assert obj["metadata"]["resourceVersion"] == str(created.version)

    play_kube(scenario)


def test_renewals_differ_by_the_second_as_client_go_compares_them(play_kube: PlayKube) -> None:
    async def scenario(arena: KubeArena) -> None:
        arena.now = NOON
        async with arena.session() as session:
            state = await session.create(LED, timeout=TIMEOUT_S)
            for _ in range(3):
                state = await session.replace(state, RENEWED, timeout=TIMEOUT_S)
        assert record_of(state).renew_time == NOON + timedelta(seconds=3)

    play_kube(scenario)


def test_what_others_put_into_the_object_survives(play_kube: PlayKube) -> None:
    theirs: dict[str, Any] = {
        "labels": {"app": "x", "tier": "theirs"},
        "annotations": {"example.org/note": "keep"},
        "finalizers": ["example.org/hold"],
    }

    async def scenario(arena: KubeArena) -> None:
        data = {"other": "kept"} if arena.resource.kind == "ConfigMap" else None
        await arena.create(metadata=theirs, **({"data": data} if data else {}))
        async with arena.lock(labels={"tier": "ours"}).open() as session:
            state = await session.read(timeout=TIMEOUT_S)
            assert state.record == Record(holder="")
            state = await session.replace(state, LED, timeout=TIMEOUT_S)
            await session.replace(state, RENEWED, timeout=TIMEOUT_S)
        obj = await arena.get()
        assert obj["metadata"]["labels"] == {"app": "x", "tier": "ours"}
        assert obj["metadata"]["annotations"]["example.org/note"] == "keep"
        assert obj["metadata"]["finalizers"] == theirs["finalizers"]
        assert obj.get("data", {}).get("other") == (data or {}).get("other")
        await arena.patch({"metadata": {"finalizers": None}})

    play_kube(scenario)


def test_labels_are_put_on_what_is_created(play_kube: PlayKube) -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.lock(labels={"app": "reports"}).open() as session:
            await session.create(LED, timeout=TIMEOUT_S)
        assert (await arena.get())["metadata"]["labels"] == {"app": "reports"}

    play_kube(scenario)


def test_an_annotator_changes_the_version_and_nothing_in_the_record(play_kube: PlayKube) -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.session() as session:
            created = await session.create(LED, timeout=TIMEOUT_S)
            async with aclosing(session.watch(created)) as changes:
                await arena.patch({"metadata": {"annotations": {"example.org/note": "x"}}})
                changed = await anext(changes)
        assert changed.record == created.record
        assert changed.version > created.version

    play_kube(scenario)


def test_a_renewal_by_a_foreign_candidate_of_the_same_name_voids_our_marks(play_kube: PlayKube) -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.session() as session:
            await session.create(replace(LED, lease_duration=0.5), timeout=TIMEOUT_S)
            kept = (await arena.get())["metadata"]["annotations"]
            marks = {
                key: text for key, text in kept.items() if key.startswith("tenure.dev/") and key != LIVENESS
            }
            foreign = Record(holder="a", lease_duration=1, acquire_time=NOON, renew_time=NOON)
            await arena.overwrite(foreign)
            await arena.patch({"metadata": {"annotations": marks}})
            assert (await session.read(timeout=TIMEOUT_S)).record == foreign

    play_kube(scenario)


HOLDER_BY_HAND = {
    "lease": lambda name: {"spec": {"holderIdentity": name}},
    "blackboard": lambda name: {"data": {"leader": name}},
}
HOLDER_BY_HAND["endpoints"] = HOLDER_BY_HAND["configmap"] = lambda name: {
    "metadata": {"annotations": {LEADER: f'{{"holderIdentity":"{name}"}}'}}
}


@pytest.mark.parametrize("holder", ["", "b"])
def test_a_holder_written_by_hand(play_kube: PlayKube, holder: str) -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.session() as session:
            await session.create(LED, timeout=TIMEOUT_S)
            await arena.patch(HOLDER_BY_HAND[arena.kind](holder))
            edited = await session.read(timeout=TIMEOUT_S)
            assert record_of(edited).holder == holder
            taken = await session.replace(edited, replace(RENEWED, holder="c"), timeout=TIMEOUT_S)
        assert record_of(taken).holder == "c"

    play_kube(scenario)


BROKEN = {
    "lease": {"spec": {"renewTime": None, "holderIdentity": "a", "leaseDurationSeconds": 15}},
    "blackboard": {"metadata": {"annotations": {LIVENESS: "{broken"}}},
    "endpoints": {"metadata": {"annotations": {LEADER: "{broken"}}},
    "configmap": {"metadata": {"annotations": {LEADER: "{broken"}}},
}


def freed_by(command: str) -> dict[str, Any]:
    """Return the merge patch that the command named in a reason stands for."""
    if patch := re.search(r"--type=merge -p '(.*)'$", command):
        decoded: dict[str, Any] = json.loads(patch[1])
        return decoded
    annotation = re.search(r"annotate (?:endpoints|configmaps) election (\S+)-$", command)
    assert annotation, command
    return {"metadata": {"annotations": {annotation[1]: None}}}


def test_a_broken_record_is_held_until_the_command_in_the_reason_frees_it(play_kube: PlayKube) -> None:
    async def scenario(arena: KubeArena) -> None:
        async with arena.session() as session:
            await session.create(LED, timeout=TIMEOUT_S)
            broken = await arena.patch(BROKEN[arena.kind])
            if arena.kind == "lease":  # the API server itself refuses what is broken: break it on its way
                broken["spec"]["renewTime"] = "yesterday"
            record = observed(session, broken)
            assert isinstance(record, UnreadableRecord)
            assert not record.refused
            assert "\n" not in record.reason
            assert f"{arena.namespace}/election" in record.reason
            await arena.patch(freed_by(record.reason.partition("free it with: ")[2]))
            freed = await session.read(timeout=TIMEOUT_S)
            assert record_of(freed).holder == ""
            assert record_of(freed).attempt is None
            await session.replace(freed, RENEWED, timeout=TIMEOUT_S)

    play_kube(scenario)


def observed(session: LockSession, obj: dict[str, Any]) -> Record | UnreadableRecord | None:
    assert isinstance(session, KubeSession)
    return session.observe(obj).record


@pytest.mark.cluster
@pytest.mark.parametrize("kind", KINDS)
def test_kubectl_itself_runs_the_command_in_the_reason(kind: str, cluster: Cluster, namespace: str) -> None:
    async def scenario() -> None:
        async with on_server(kind, cluster.admin_kubeconfig, namespace) as arena, arena.session() as session:
            await session.create(LED, timeout=TIMEOUT_S)
            await arena.patch(BROKEN[kind])
            command = shlex.split(arena.lock().codec.freeing_command(namespace, "election"))
            assert command[0] == "kubectl"
            await asyncio.to_thread(cluster.kubectl, *command[1:])
            freed = record_of(await session.read(timeout=TIMEOUT_S))
        assert (freed.holder, freed.attempt, freed.lease_duration) == ("", None, None)

    asyncio.run(scenario())
