"""When the next leader comes after an outage of the API server, and how often it was asked meanwhile."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench import KINDS, Bench
from benchmarks.pairs import Pair, start_pairs
from benchmarks.proxy import Proxies
from benchmarks.row import Row
from benchmarks.subjects import Subject
from tenure.clock import boot_time

__all__ = ["run_blackholed", "run_paused", "run_refused", "run_swallowed"]

_PAUSED_TARGET_MS = 100.0
_TARGET_MS = 1000.0
_TARGET_ATTEMPTS_PER_S = 2.0
_LEASE_S, _OUTAGE_S = 15.0, 20.0
_QUICK_LEASE_S, _QUICK_OUTAGE_S = 3.0, 5.0


def run_paused(bench: Bench) -> list[Row]:
    """The API server is frozen (SIGSTOP) and wakes; few elections at once, as more contend for the CPUs."""
    rows = []
    for kind in KINDS:
        values = [value for _ in range(bench.repeats(3)) for value in _paused_once(bench, kind)]
        note = "two elections of two candidates in each outage"
        rows.append(_takeover_row("outage_paused", kind, values, _PAUSED_TARGET_MS, note))
    return rows


def _paused_once(bench: Bench, kind: str) -> list[float]:
    lease_s = _lease_s(bench)
    pairs = start_pairs(bench, kind, bench.namespace("outage_paused"), 2, lease_duration_s=lease_s)
    bench.settle(0.0, lease_s / 3)
    bench.cluster.pause()
    time.sleep(_outage_s(bench))
    back = boot_time()
    bench.cluster.resume()
    values = _takeovers_ms(pairs, back)
    _end(pairs)
    return values


def run_refused(bench: Bench) -> list[Row]:
    """Connections are reset, and new ones refused."""
    return _broken(bench, "outage_refused", "refuse")


def run_blackholed(bench: Bench) -> list[Row]:
    """Connections stall, packets of new ones are dropped."""
    return _broken(bench, "outage_blackholed", "blackhole")


def run_swallowed(bench: Bench) -> list[Row]:
    """Connections are accepted, and stay dead: what comes through them is lost, after the outage too."""
    return _broken(bench, "outage_swallowed", "swallow")


def _broken(bench: Bench, measure: str, how: str) -> list[Row]:
    rows = []
    for kind in KINDS:
        options = {"count_connections": True} if kind == "tenure" else {}
        with Proxies(bench.cluster.url) as proxies:

            def through_proxy(identity: str, proxies: Proxies = proxies) -> Path:
                config = bench.cluster.admin_kubeconfig
                return proxies.open().kubeconfig(config, config.with_name(f"{identity}.kubeconfig"))

            pairs = start_pairs(
                bench,
                kind,
                bench.namespace(measure),
                bench.repeats(6),
                lease_duration_s=_lease_s(bench),
                kubeconfig=through_proxy,
                **options,
            )
            bench.settle(0.0, _lease_s(bench) / 3)
            failed = boot_time()
            proxies.fail(how)
            time.sleep(_outage_s(bench))
            back = boot_time()
            proxies.restore()
            note = f"{len(pairs)} elections of two candidates in the same outage"
            rows.append(_takeover_row(measure, kind, _takeovers_ms(pairs, back), _TARGET_MS, note))
            if kind == "tenure":
                rows += _attempt_rows(measure, pairs, failed, back)
            _end(pairs)
    return rows


def _lease_s(bench: Bench) -> float:
    return _QUICK_LEASE_S if bench.quick else _LEASE_S


def _outage_s(bench: Bench) -> float:
    return _QUICK_OUTAGE_S if bench.quick else _OUTAGE_S


def _end(pairs: Sequence[Pair]) -> None:
    for subject in itertools.chain.from_iterable((pair.leader, pair.follower) for pair in pairs):
        subject.kill()


def _takeovers_ms(pairs: Sequence[Pair], back: float) -> list[float]:
    return [(pair.next_leader_at(back) - back) * 1000 for pair in pairs]


def _takeover_row(measure: str, kind: str, values: list[float], target_ms: float, note: str) -> Row:
    return Row(
        measure=measure,
        subject=kind,
        what="API back until the next leads",
        unit="ms",
        values=values,
        at_most=target_ms if kind == "tenure" else None,
        judged="max",
        note=note,
    )


def _attempt_rows(measure: str, pairs: Sequence[Pair], failed: float, back: float) -> list[Row]:
    subjects = [subject for pair in pairs for subject in (pair.leader, pair.follower)]
    seconds = back - failed

    def during(subject: Subject, event: str) -> list[dict[str, Any]]:
        return [seen for seen in subject.seen(event, failed) if seen["boottime"] < back]

    connections = [len(during(subject, "connecting")) for subject in subjects]
    requests = [len(during(subject, "request")) for subject in subjects]
    # The very first request of an outage may meet a connection from before.
    reused = [max(0, asked - connected - 1) for asked, connected in zip(requests, connections, strict=True)]
    common: dict[str, Any] = {"measure": measure, "subject": "tenure", "judged": "max"}
    return [
        Row(
            **common,
            what="connection attempts of one candidate during it",
            unit="1/s",
            values=[each / seconds for each in connections],
            at_most=_TARGET_ATTEMPTS_PER_S,
            note="counted in the candidate: nobody else can count those that are refused or dropped",
        ),
        Row(
            **common,
            what="attempts on a connection that had failed before",
            unit="count",
            values=[float(each) for each in reused],
            at_most=0.0,
        ),
    ]
