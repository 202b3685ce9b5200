"""The roster of candidates on the real API server, with the documented rights and without."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenure import ConfigMapLock, LeaderElector, LeaseLock, PermissionDeniedError, Timing
from tenure.locks.kube import KubeLock
from tenure.locks.roster import candidates_of, open_roster
from tests.cluster.server import Cluster
from tests.drivers.tools import ROOMY, forever, play, until

pytestmark = pytest.mark.cluster

DOCS = Path(__file__).parents[2] / "docs"
ROLE = re.compile(r"^```yaml\n(rules:.*?)^```$", re.MULTILINE | re.DOTALL)
QUICK_PERIODS = Timing(lease_duration=2)


def documented(page: str, heading: str) -> list[dict[str, Any]]:
    """Return the rules under a heading of a document."""
    section = (DOCS / page).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (rules,) = ROLE.findall(section)
    return list(yaml.safe_load(rules)["rules"])


LOCK_RULES = documented("wire-formats.md", "Role")
ROSTER_RULES = documented("reference.md", "The roster of candidates")


async def wait_for_names(lock: KubeLock, *names: str) -> None:
    async with asyncio.timeout(30):
        while [each.identity for each in await candidates_of(lock)] != list(names):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def test_the_documented_rights_are_enough(
    cluster: Cluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    account = cluster.service_account(namespace, "app", LOCK_RULES + ROSTER_RULES)
    lock = LeaseLock("reports", namespace, kubeconfig=account.kubeconfig)

    async def scene() -> None:
        async with open_roster(lock) as roster:
            dead = LeaderElector(lock, identity="dead", timing=QUICK_PERIODS, candidates=True)
            async with dead.running(forever):
                await wait_for_names(lock, "dead")
                (entry,) = await candidates_of(lock)
            await wait_for_names(lock)
            await roster.write(entry, timeout=30)  # as if it had not come to take it out
        a, b = (
            LeaderElector(lock, identity=name, priority=index, timing=QUICK_PERIODS, candidates=True)
            for index, name in enumerate(("a/ä", "b"))
        )
        async with a.running(forever), b.running(forever):
            await wait_for_names(lock, "a/ä", "b", "dead")
            first = await candidates_of(lock)
            async with asyncio.timeout(120):
                while [each.identity for each in await candidates_of(lock)] != ["a/ä", "b"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            later = await candidates_of(lock)
            assert [each.priority for each in later] == [0, 1]
            assert [each.since for each in later] == [each.since for each in first[:2]]
            assert all(new.version != old.version for new, old in zip(later, first, strict=False))
        await wait_for_names(lock)

    async def guarded() -> None:
        async with asyncio.timeout(200):
            await scene()

    with caplog.at_level(logging.WARNING, logger="tenure"):
        asyncio.run(guarded())
    assert "roster" not in caplog.text


def test_without_them_the_election_goes_on_and_the_rule_is_named_once(
    cluster: Cluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    account = cluster.service_account(namespace, "app", LOCK_RULES)
    lock = LeaseLock("reports", namespace, kubeconfig=account.kubeconfig)

    def lines() -> list[str]:
        return [each.getMessage() for each in caplog.records if "roster" in each.getMessage()]

    async def scene() -> None:
        elector = LeaderElector(lock, identity="a", timing=ROOMY, candidates=True)
        async with elector.running(forever):
            await until(elector.is_leader)
            await until(lines)
            with pytest.raises(PermissionDeniedError, match='"list"'):
                await candidates_of(lock)

    with caplog.at_level(logging.WARNING, logger="tenure"):
        play(scene())
    (line,) = lines()
    assert '"resources": ["leases"], "verbs": ["create", "patch", "delete", "list"]' in line
    assert namespace in line


def test_leases_stand_beside_a_lock_of_another_kind(cluster: Cluster, namespace: str) -> None:
    lock = ConfigMapLock("reports", namespace, kubeconfig=cluster.admin_kubeconfig)

    async def scene() -> None:
        async with LeaderElector(lock, identity="a", timing=ROOMY, candidates=True).running(forever):
            await wait_for_names(lock, "a")
            label = ("-l", "tenure.dev/election=reports", "-o", "jsonpath={.items[*].spec.holderIdentity}")
            printed = await asyncio.to_thread(cluster.kubectl, "get", "leases", "-n", namespace, *label)
            assert printed == "a"

    asyncio.run(scene())
