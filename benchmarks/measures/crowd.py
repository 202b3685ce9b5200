"""Takeovers among 200 candidates of one election."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass

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
    reads: int
    writes: int


def run(bench: Bench) -> list[Row]:
    """Run it: the leader leaves for good, and again."""
    count = 200 if not bench.quick else 40
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
    note = (
        f"{count} candidates in {_PROCESSES} processes, a connection pool each; reads+writes per takeover, "
        f"release included: {', '.join(f'{each.reads}+{each.writes}' for each in takeovers)}"
    )
    return [
        _row(
            "release sent until the next leads, 1st takeover",
            "ms",
            [takeovers[0].took_ms],
            _FIRST_TARGET_MS,
            note,
        ),
        _row("... 2nd takeover", "ms", [takeovers[1].took_ms], None),
        _row("... from the 3rd on", "ms", [each.took_ms for each in takeovers[2:]], _LATER_TARGET_MS),
        _row("reads and writes, 1st takeover", "count", [_sum(takeovers[0])], None),
        _row("... 2nd takeover", "count", [_sum(takeovers[1])], None),
        _row("... from the 3rd on", "count", [_sum(each) for each in takeovers[2:]], _LATER_TARGET_REQUESTS),
    ]


def _row(what: str, unit: str, values: list[float], at_most: float | None, note: str = "") -> Row:
    return Row(
        measure="crowd",
        subject="tenure",
        what=what,
        unit=unit,
        values=values,
        at_most=at_most,
        judged="median",
        note=note,
    )


def _sum(takeover: _Takeover) -> float:
    return float(takeover.reads + takeover.writes)


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
    return _Takeover((led - released) * 1000, reads, writes)


def _next_leader_at(crowds: list[Crowd], after: float) -> float:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if begun := [each["boottime"] for crowd in crowds for each in crowd.seen("started", after)]:
            return float(min(begun))
        time.sleep(0.005)
    raise AssertionError("nobody took over")
