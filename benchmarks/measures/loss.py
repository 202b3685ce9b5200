"""How long a leader goes on that has lost, and whether it wipes its successor."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Sequence

from benchmarks.api import Api, LeaseWatch, leases_path
from benchmarks.bench import KINDS, Bench
from benchmarks.pairs import Pair, start_pairs
from benchmarks.row import Row
from tenure.clock import boot_time

__all__ = ["run_deleted", "run_overwritten", "run_paused", "run_terminated"]

_TARGET_MS = 50.0
_STOP_TIMEOUT_S = 30.0
_STAGGER_S = 0.5
_LEASE_S, _PAUSE_S = 15.0, 20.0
_QUICK_LEASE_S, _QUICK_PAUSE_S = 3.0, 5.0


def run_paused(bench: Bench) -> list[Row]:
    """The leader is frozen for 20 s, longer than its lease, and wakes."""
    rows = []
    for kind in KINDS:
        pairs = _pairs(bench, kind, bench.namespace("loss_paused"))
        _freeze(bench, pairs)
        values = []
        for pair in pairs:
            woken = boot_time()
            pair.leader.resume()
            values.append((_stopped_at(pair, woken) - woken) * 1000)
            time.sleep(_STAGGER_S)
        rows.append(_row("loss_paused", kind, "SIGCONT until the old leader's body is told", values))
    return rows


def run_overwritten(bench: Bench) -> list[Row]:
    """A stranger is written over the holder."""

    def overwrite(api: Api, path: str) -> None:
        api.request("PATCH", path, {"spec": {"holderIdentity": "stranger"}})

    return _changed(bench, "loss_overwritten", "overwriting PATCH sent until the body is told", overwrite)


def run_deleted(bench: Bench) -> list[Row]:
    """The record is deleted."""

    def delete(api: Api, path: str) -> None:
        api.request("DELETE", path)

    return _changed(bench, "loss_deleted", "DELETE sent until the body is told", delete)


def run_terminated(bench: Bench) -> list[Row]:
    """The leader is frozen for 20 s, and told to end meanwhile; then it wakes."""
    rows = []
    for kind in KINDS:
        namespace = bench.namespace("loss_terminated")
        pairs = _pairs(bench, kind, namespace)
        with LeaseWatch(bench.cluster, namespace) as watch:
            _freeze(bench, pairs)
            woken = {}
            for pair in pairs:
                pair.leader.process.send_signal(signal.SIGTERM)
                woken[pair.name] = boot_time()
                pair.leader.resume()
                time.sleep(_STAGGER_S)
            time.sleep(3.0)
            wipes = [
                float(sum(not change.holder for change in watch.of(name, after)))
                for name, after in woken.items()
            ]
        rows.append(
            Row(
                measure="loss_terminated",
                subject=kind,
                what="wipes of the successor's record, SIGTERM during the pause",
                unit="count",
                values=wipes,
                at_most=0.0 if kind == "tenure" else None,
                judged="max",
            )
        )
    return rows


def _pairs(bench: Bench, kind: str, namespace: str) -> Sequence[Pair]:
    lease_s = _QUICK_LEASE_S if bench.quick else _LEASE_S
    return start_pairs(bench, kind, namespace, bench.repeats(6, 2), lease_duration_s=lease_s)


def _freeze(bench: Bench, pairs: Sequence[Pair]) -> None:
    """Pause all leaders until their followers lead."""
    frozen_at = boot_time()
    for pair in pairs:
        pair.leader.pause()
    time.sleep(_QUICK_PAUSE_S if bench.quick else _PAUSE_S)
    for pair in pairs:
        pair.follower.wait_after("started", frozen_at)


def _changed(bench: Bench, measure: str, what: str, change: Callable[[Api, str], None]) -> list[Row]:
    rows = []
    api = Api(bench.cluster)
    api.open()
    try:
        for kind in KINDS:
            namespace = bench.namespace(measure)
            pairs = _pairs(bench, kind, namespace)
            sent = {}
            for pair in pairs:
                bench.settle(0.2, 0.5)
                sent[pair.name] = boot_time()
                change(api, leases_path(namespace, pair.name))
            values = [(_stopped_at(pair, sent[pair.name]) - sent[pair.name]) * 1000 for pair in pairs]
            rows.append(_row(measure, kind, what, values))
    finally:
        api.close()
    return rows


def _stopped_at(pair: Pair, after: float) -> float:
    try:
        return pair.leader.wait_after("stopped", after, _STOP_TIMEOUT_S)
    except AssertionError:
        return math.inf


def _row(measure: str, kind: str, what: str, values: list[float]) -> Row:
    target = _TARGET_MS if kind == "tenure" else None
    return Row(
        measure=measure,
        subject=kind,
        what=what,
        unit="ms",
        values=values,
        at_most=target,
        judged="max",
        note=f"inf: not within {_STOP_TIMEOUT_S:g} s" if math.inf in values else "",
    )
