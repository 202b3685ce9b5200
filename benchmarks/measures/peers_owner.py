"""How long it takes from PREPARE until a peer owns the lease or its extension, also where time is scarce."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tests.chaos.cpu_quota import CpuQuota
from tests.cluster.process import start_process
from tests.democracy.real import free_addresses

from benchmarks.bench import Bench
from benchmarks.groups import PeerGroup
from benchmarks.measures.peers_crash import MEMBERS
from benchmarks.row import Row
from tenure.clock import boot_time

__all__ = ["run"]

_REST_S = 4.0
_WINDOW_S = 30.0
_SHARE = 0.2
_GARBAGE_OBJECTS = 1_000_000


def run(bench: Bench) -> list[Row]:
    """Run it: at rest, throttled, and with a collector that has much to do."""
    return [*_at_rest(bench), *_throttled(bench), *_collecting(bench)]


def _at_rest(bench: Bench) -> list[Row]:
    group = _started(bench)
    return _watched(bench, group, "at rest", lambda: "")


def _throttled(bench: Bench) -> list[Row]:
    """Every member has a quota that its own work uses up."""
    group = _started(bench)
    nothing = subprocess.DEVNULL
    with ExitStack() as exits:
        quotas = []
        for member in group.members:
            quota = CpuQuota(_SHARE)
            exits.callback(quota.close)
            hog = start_process([sys.executable, "-c", "while True: pass"], stdout=nothing, stderr=nothing)
            exits.callback(hog.wait)
            exits.callback(hog.kill)
            assert member is not None
            quota.add([member.process.pid, hog.pid])
            quotas.append(quota)

        def note() -> str:
            throttled_s = sum(quota.throttled_s for quota in quotas) / len(quotas)
            return f"throttled for {throttled_s:.0f} s, each"

        how = f"quota of {_SHARE:.0%} of a CPU for each member, used up by its work"
        return _watched(bench, group, how, note)


def _collecting(bench: Bench) -> list[Row]:
    group = _started(bench, garbage_objects=_GARBAGE_OBJECTS)

    def note() -> str:
        pauses = [1000 * seen["took_s"] for seen in group.events("collected")]
        return f"a collection took {statistics.median(pauses):.0f} ms, at most {max(pauses):.0f}"

    how = f"each second a collection of {_GARBAGE_OBJECTS:,} objects in each member"
    return _watched(bench, group, how, note)


def _started(bench: Bench, **options: Any) -> PeerGroup:
    group = PeerGroup(bench, free_addresses(MEMBERS), **options)
    group.start_all()
    return group


def _watched(bench: Bench, group: PeerGroup, how: str, note: Callable[[], str]) -> list[Row]:
    bench.settle(_REST_S)
    since = boot_time()
    bench.settle(_WINDOW_S if not bench.quick else 6.0)
    took = [seen["took_s"] * 1000 for seen in group.events("granted") if seen["boottime"] > since]
    lost = len(group.told("lost", since))
    common: dict[str, Any] = {"measure": "peers_owner", "subject": "tenure"}
    rows = [
        Row(**common, what=f"PREPARE until the lease is owned, {how}", unit="ms", values=took, note=note()),
        Row(**common, what="... terms lost meanwhile", unit="count", values=[lost]),
    ]
    group.stop()
    return rows
