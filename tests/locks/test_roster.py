"""The roster of candidates: in memory, and as Leases on the embedded API server and on the real one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tenure import ConfigurationError, MemoryLock, MultiLock
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.resource import LEASES
from tenure.kubernetes.shared import shared_client
from tenure.lock import Lock
from tenure.locks.kube import KubeLock
from tenure.locks.roster import Entry, Roster, candidates_of, open_roster
from tenure.testing.faulty_lock import FaultyLock
from tests.locks.arena import KINDS, TIMEOUT_S
from tests.locks.test_conformance import NOON

ODD = ["pod/ä 😀", "x" * 1000, "a,b=c", " ", 'quo"te\n', "../..", "10.0.0.1:80", "Über"]
ENTRY = Entry(
    identity="pod-a", priority=7, preempt=True, lapse=180, since=NOON, renewed=NOON + timedelta(seconds=9)
)

Scene = Callable[[Roster], Awaitable[None]]


@pytest.fixture(params=["devserver", pytest.param("cluster", marks=pytest.mark.cluster)])
def place(request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """A kubeconfig, and a namespace there."""
    if request.param == "cluster":
        kubeconfig = request.getfixturevalue("cluster").admin_kubeconfig
        yield kubeconfig, request.getfixturevalue("namespace")
    else:
        yield request.getfixturevalue("tenure_devserver").kubeconfig, "default"


@pytest.fixture(params=["memory", "devserver", pytest.param("cluster", marks=pytest.mark.cluster)])
def lock(request: pytest.FixtureRequest) -> Lock:
    """A lock with a roster."""
    if request.param == "memory":
        return MemoryLock("reports")
    if request.param == "cluster":
        kubeconfig = request.getfixturevalue("cluster").admin_kubeconfig
        return KINDS["lease"]("reports", request.getfixturevalue("namespace"), kubeconfig=kubeconfig)
    kubeconfig = request.getfixturevalue("tenure_devserver").kubeconfig
    return KINDS["lease"]("reports", "default", kubeconfig=kubeconfig)


def play(lock: Lock, scene: Scene) -> None:
    async def played() -> None:
        async with asyncio.timeout(60), open_roster(lock) as roster:
            await scene(roster)

    asyncio.run(played())


async def write(roster: Roster, entry: Entry) -> Entry:
    return await roster.write(entry, timeout=TIMEOUT_S)


async def listed(roster: Roster) -> list[Entry]:
    return await roster.list(timeout=TIMEOUT_S)


def test_what_is_written_is_listed_until_it_is_removed(lock: Lock) -> None:
    async def scene(roster: Roster) -> None:
        assert await listed(roster) == []
        first = await write(roster, ENTRY)
        other = await write(roster, Entry(identity="b", lapse=0.5))
        assert replace(first, version="") == ENTRY
        assert other.version not in ("", first.version)
        b, a = await listed(roster)
        assert a == first
        assert (b.identity, b.priority, b.preempt, b.since, b.version) == ("b", 0, False, None, other.version)
        await roster.remove(b, timeout=TIMEOUT_S)
        await roster.remove(b, timeout=TIMEOUT_S)
        assert await listed(roster) == [a]
        assert await candidates_of(lock) == [a]

    play(lock, scene)


def test_every_write_makes_another_version_and_leaves_nothing_of_the_last(lock: Lock) -> None:
    async def scene(roster: Roster) -> None:
        first = await write(roster, ENTRY)
        plain = replace(ENTRY, priority=0, preempt=False, renewed=NOON + timedelta(minutes=1))
        second = await write(roster, plain)
        assert second.version != first.version
        assert await listed(roster) == [replace(plain, version=second.version)]

    play(lock, scene)


def test_an_entry_that_was_written_meanwhile_is_not_removed_unless_nobody_knows_its_version(
    lock: Lock,
) -> None:
    async def scene(roster: Roster) -> None:
        first = await write(roster, ENTRY)
        second = await write(roster, replace(ENTRY, renewed=NOON + timedelta(minutes=1)))
        await roster.remove(first, timeout=TIMEOUT_S)
        assert await listed(roster) == [second]
        await roster.remove(ENTRY, timeout=TIMEOUT_S)
        assert await listed(roster) == []

    play(lock, scene)


def test_identities_may_have_any_characters_and_any_length(lock: Lock) -> None:
    async def scene(roster: Roster) -> None:
        for identity in ODD:
            await write(roster, replace(ENTRY, identity=identity))
        assert [each.identity for each in await listed(roster)] == sorted(ODD)
        for entry in await listed(roster):
            await roster.remove(entry, timeout=TIMEOUT_S)
        assert await listed(roster) == []

    play(lock, scene)


def test_a_lease_says_it_all_to_kubectl(place: tuple[Path, str]) -> None:
    kubeconfig, namespace = place

    async def scene(roster: Roster) -> None:
        await write(roster, ENTRY)
        await write(roster, replace(ENTRY, identity="pod-b", priority=0, preempt=False, lapse=2e12))
        async with shared_client(load_kubeconfig(kubeconfig)) as client:
            selector = "tenure.dev/election=reports"
            found = await client.list(LEASES, namespace, label_selector=selector, timeout=TIMEOUT_S)
        by_holder = {each["spec"]["holderIdentity"]: each for each in found["items"]}
        pod_a, pod_b = by_holder["pod-a"], by_holder["pod-b"]
        assert re.fullmatch("reports-[0-9a-f]{10}", pod_a["metadata"]["name"])
        assert pod_a["spec"] == {
            "holderIdentity": "pod-a",
            "leaseDurationSeconds": 180,
            "acquireTime": "2026-11-21T12:00:00.000000Z",
            "renewTime": "2026-11-21T12:00:09.000000Z",
        }
        assert pod_a["metadata"]["annotations"] == {
            "tenure.dev/priority": "7",
            "tenure.dev/preempt": "true",
        }
        assert not pod_b["metadata"].get("annotations")
        assert pod_b["spec"]["leaseDurationSeconds"] == 2**31 - 1

    play(KINDS["lease"]("reports", namespace, kubeconfig=kubeconfig), scene)


@pytest.mark.parametrize("shape", ["{}", "{}.", "{}-"], ids=["plain", "dot", "dash"])
def test_long_names_of_elections_fit_and_are_told_apart(place: tuple[Path, str], shape: str) -> None:
    kubeconfig, namespace = place
    # The shortened name would end in a dot or a dash, or the names differ only beyond what is left of them.
    for length in (63, 64, 253):
        head = shape.format("n" * (length - 13 if length < 253 else 241))
        names = [head + "b" * (length - len(head) - 1) + last for last in "xy"]
        locks: list[KubeLock] = [KINDS["lease"](name, namespace, kubeconfig=kubeconfig) for name in names]

        async def scene(roster: Roster, locks: list[KubeLock] = locks) -> None:
            await write(roster, ENTRY)
            assert [each.identity for each in await candidates_of(locks[0])] == ["pod-a"]
            assert await candidates_of(locks[1]) == []
            async with open_roster(locks[1]) as other:
                await write(other, replace(ENTRY, priority=8))
            assert [each.priority for each in await listed(roster)] == [7]

        play(locks[0], scene)


def test_what_bears_the_label_and_is_no_entry_is_left_alone(place: tuple[Path, str]) -> None:
    kubeconfig, namespace = place
    lock = KINDS["lease"]("reports", namespace, kubeconfig=kubeconfig)
    spec: dict[str, Any] = {"holderIdentity": "pod-a", "leaseDurationSeconds": 15}

    async def scene(roster: Roster) -> None:
        entry = await write(roster, replace(ENTRY, identity="pod-b"))
        async with shared_client(load_kubeconfig(kubeconfig)) as client:
            for name, content in {"reports": spec, "reports-pod-a": spec, "reports-empty": {}}.items():
                body = {
                    "apiVersion": LEASES.api_version,
                    "kind": "Lease",
                    "metadata": {"name": name, "labels": {"tenure.dev/election": "reports"}},
                    "spec": content,
                }
                await client.create(LEASES, namespace, body, timeout=TIMEOUT_S)
        assert await listed(roster) == [entry]

    play(lock, scene)


@pytest.mark.parametrize(
    "annotations",
    [
        {"tenure.dev/priority": text, "tenure.dev/preempt": "yes"}
        for text in ("", "-1", "x", "٣", "9" * 5000, "1.5")
    ],
    ids=["empty", "negative", "word", "arabic", "endless", "fraction"],
)
def test_what_a_hand_has_spoilt_counts_for_nothing(
    place: tuple[Path, str], annotations: dict[str, str]
) -> None:
    kubeconfig, namespace = place
    lock = KINDS["lease"]("reports", namespace, kubeconfig=kubeconfig)

    async def scene(roster: Roster) -> None:
        await write(roster, ENTRY)
        async with shared_client(load_kubeconfig(kubeconfig)) as client:
            found = await client.list(LEASES, namespace, timeout=TIMEOUT_S)
            (name,) = (each["metadata"]["name"] for each in found["items"])
            patch = {"metadata": {"annotations": annotations}, "spec": {"leaseDurationSeconds": None}}
            kind = "application/merge-patch+json"
            await client.patch(LEASES, namespace, name, patch, content_type=kind, timeout=TIMEOUT_S)
        (entry,) = await listed(roster)
        assert (entry.identity, entry.priority, entry.preempt) == ("pod-a", 0, False)

    play(lock, scene)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_lock_has_its_candidates_in_leases(place: tuple[Path, str], kind: str) -> None:
    kubeconfig, namespace = place

    async def scene(roster: Roster) -> None:
        await write(roster, ENTRY)
        async with shared_client(load_kubeconfig(kubeconfig)) as client:
            found = await client.list(LEASES, namespace, timeout=TIMEOUT_S)
        assert [each["spec"]["holderIdentity"] for each in found["items"]] == ["pod-a"]

    play(KINDS[kind]("reports", namespace, kubeconfig=kubeconfig), scene)


def test_a_multi_lock_has_the_roster_of_its_secondary() -> None:
    primary, secondary = MemoryLock("old"), MemoryLock("new")

    async def scene(roster: Roster) -> None:
        entry = await write(roster, ENTRY)
        assert await candidates_of(secondary) == [entry]
        assert await candidates_of(primary) == []

    play(MultiLock(primary, secondary), scene)


def test_a_lock_without_a_roster_names_the_remedy() -> None:
    lock = FaultyLock(MemoryLock("reports"))
    for each in (lock.seen_by("a"), MultiLock(MemoryLock(), lock.seen_by("a"))):
        with pytest.raises(
            ConfigurationError, match=r"memory reports.* no roster.* candidates=True .*LeaseLock"
        ):
            asyncio.run(candidates_of(each))
