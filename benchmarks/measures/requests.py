"""What an election of ten candidates asks of the API server while nothing happens."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.bench import KINDS, Bench
from benchmarks.pairs import wait_until_following
from benchmarks.row import Row

__all__ = ["run"]

_CANDIDATES = 10
_TARGET_PER_S = 0.25


def run(bench: Bench) -> list[Row]:
    """Run it: both kinds at the same time, in elections of their own."""
    window_s = 60.0 if not bench.quick else 15.0
    namespaces = {kind: bench.namespace("requests") for kind in KINDS}
    for kind, namespace in namespaces.items():
        candidates = []
        for number in range(_CANDIDATES):
            subject = KINDS[kind](bench.cluster.admin_kubeconfig, namespace, "idle", f"{kind}-{number}")
            candidates.append(bench.start(subject))
            if number == 0:
                subject.wait_for("started")
        for subject in candidates[1:]:
            wait_until_following(subject, kind)
    bench.settle(5.0)
    mark = bench.cluster.mark()
    time.sleep(window_s)
    rows = []
    for kind, namespace in namespaces.items():
        rows += _rows(kind, bench.cluster.requests_since(mark, namespace), window_s)
    return rows


def _rows(kind: str, requests: list[dict[str, Any]], window_s: float) -> list[Row]:
    watches = sum(request["verb"] == "watch" for request in requests)
    writes = sum(request["verb"] == "update" for request in requests)
    reads = len(requests) - watches - writes
    return [
        Row(
            measure="requests",
            subject=kind,
            what=f"requests of {_CANDIDATES} settled candidates, watches apart",
            unit="1/s",
            values=[(reads + writes) / window_s],
            at_most=_TARGET_PER_S if kind == "tenure" else None,
            note=f"{reads} reads, {writes} writes, {watches} new watches in {window_s:g} s (audit log)",
        )
    ]
