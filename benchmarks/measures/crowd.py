"""Takeovers among 200 candidates of one election."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.subjects import Crowd
from tenure.clock import boot_time

__all__ = ["run"]

_PROCESSES = 8
_NAME = "crowd"
_FIRST_TARGET_MS = 200.0
_LATER_TARGET_MS = 80.0
_LATER_TARGET_REQUESTS = 30.0


@dataclass(frozen=True)
class _Takeover:
    took_ms: float
    accepted_ms: float
    reads: int
    writes: int


def run(bench: Bench) -> list[Row]:
    """Run it: in each of several crowds the leader leaves for good, and again."""
    count = 200 if not bench.quick else 40
    crowds = [_takeovers(bench, count) for _ in range(bench.repeats(3, 1))]
    first = [takeovers[0] for takeovers in crowds]
    second = [takeovers[1] for takeovers in crowds]
    later = [each for takeovers in crowds for each in takeovers[2:]]
    listed = "; ".join(", ".join(f"{each.reads}+{each.writes}" for each in takeovers) for takeovers in crowds)
    note = (
        f"{count} candidates in {_PROCESSES} processes, a connection pool each, beside the API server; "
        f"reads+writes of each takeover, release included: {listed}"
    )
    return [
        _row("release sent until the next leads, 1st takeover", first, _FIRST_TARGET_MS, note),
        _row("... 2nd takeover", second),
        _row("... from the 3rd on", later, _LATER_TARGET_MS),
        _row("release sent until a write was accepted, 1st takeover", first, of=_accepted),
        _row("... from the 3rd on", later, of=_accepted),
        _row("reads and writes, 1st takeover", first, of=_requests),
        _row("... 2nd takeover", second, of=_requests),
        _row("... from the 3rd on", later, _LATER_TARGET_REQUESTS, of=_requests),
    ]


def _took(takeover: _Takeover) -> float:
    return takeover.took_ms


def _accepted(takeover: _Takeover) -> float:
    return takeover.accepted_ms


def _requests(takeover: _Takeover) -> float:
    return float(takeover.reads + takeover.writes)


def _row(
    what: str,
    takeovers: list[_Takeover],
    at_most: float | None = None,
    note: str = "",
    *,
    of: Callable[[_Takeover], float] = _took,
) -> Row:
    return Row(
        measure="crowd",
        subject="tenure",
        what=what,
        unit="count" if of is _requests else "ms",
        values=[of(each) for each in takeovers],
        at_most=at_most,
        note=note,
    )


def _takeovers(bench: Bench, count: int) -> list[_Takeover]:
    """Start a crowd, let its leaders leave one after another, and end it."""
    namespace = bench.namespace("crowd")
    crowds = [
        Crowd(bench.cluster.admin_kubeconfig, namespace, _NAME, f"c{number}", count=count // _PROCESSES)
        for number in range(_PROCESSES)
    ]
    for crowd in crowds:
        bench.start(crowd)
    for crowd in crowds:
        crowd.wait_for("ready", timeout_s=120)
    bench.settle(3.0)
    takeovers = [_release(bench, namespace, crowds) for _ in range(bench.repeats(12, 4))]
    for crowd in crowds:
        crowd.kill()
    return takeovers


def _release(bench: Bench, namespace: str, crowds: list[Crowd]) -> _Takeover:
    """Let the leader release, and wait until the next leads and all others have come to rest."""
    leading = max(
        crowds, key=lambda crowd: max((each["boottime"] for each in crowd.seen("started")), default=0.0)
    )
    mark, signalled = bench.cluster.mark(), boot_time()
    leading.process.send_signal(signal.SIGUSR1)
    released = leading.wait_after("releasing", signalled)
    led = _next_leader_at(crowds, released)
    time.sleep(1.5)  # stragglers count too; the first renewal comes later
    requests = bench.cluster.requests_since(mark, namespace)
    writes = sum(request["verb"] in ("update", "create") for request in requests)
    reads = sum(request["verb"] == "get" for request in requests)
    accepted_ms = (_accepted_at(requests) - released) * 1000
    return _Takeover((led - released) * 1000, accepted_ms, reads, writes)


def _accepted_at(requests: list[dict[str, Any]]) -> float:
    """Return the boot time at which the second successful write ended: the first one is the release."""
    ends = [
        datetime.fromisoformat(request["stageTimestamp"]).timestamp()
        for request in requests
        if request["verb"] in ("update", "create") and request["responseStatus"]["code"] < 300
    ]
    return sorted(ends)[1] - (time.time() - boot_time())


def _next_leader_at(crowds: list[Crowd], after: float) -> float:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if begun := [each["boottime"] for crowd in crowds for each in crowd.seen("started", after)]:
            return float(min(begun))
        time.sleep(0.005)
    raise AssertionError("nobody took over")
