"""How long nobody leads when a leader is asked to hand over to a named candidate, with two followers."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice

from benchmarks.bench import KINDS, Bench
from benchmarks.pairs import wait_until_following
from benchmarks.row import Row
from tenure import LeaseLock
from tenure.clock import boot_time
from tenure.petition import petition

__all__ = ["run"]

_TARGET_MS = 30.0
_ELECTION = "transfer"


def run(bench: Bench) -> list[Row]:
    """Run it."""
    namespace = bench.namespace("transfer")
    kind, config = KINDS["tenure"], bench.cluster.admin_kubeconfig
    candidates = [bench.start(kind(config, namespace, _ELECTION, f"candidate-{n}")) for n in range(3)]
    for candidate in candidates:
        wait_until_following(candidate, "tenure")
    leader = next(each for each in candidates if each.seen("started"))
    lock = LeaseLock(_ELECTION, namespace, kubeconfig=config)
    without, altogether = [], []
    for heir in islice(cycle(each for each in candidates if each is not leader), bench.repeats(20, 3)):
        if heir is leader:
            continue
        bench.settle(0.5, 0.2)
        asked = boot_time()
        asyncio.run(_ask(lock, heir.identity))
        led = heir.wait_after("started", asked)
        without.append((led - leader.wait_after("stopped", asked)) * 1000)
        altogether.append((led - asked) * 1000)
        leader = heir
    return [
        Row(
            measure="transfer",
            subject="tenure",
            what="end of the old body until the heir begins",
            unit="ms",
            values=without,
            at_most=_TARGET_MS,
        ),
        Row(
            measure="transfer",
            subject="tenure",
            what="request until the heir begins, a new process's connection included",
            unit="ms",
            values=altogether,
        ),
    ]


async def _ask(lock: LeaseLock, heir: str) -> None:
    async with lock.open() as session:
        await petition(session, heir, timeout=10)
