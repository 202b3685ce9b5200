"""How long nobody leads when a leader is told to end, with one follower."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import KINDS, Bench
from benchmarks.pairs import start_pairs, wait_until_following
from benchmarks.row import Row
from benchmarks.subjects import Subject
from tenure.clock import boot_time

__all__ = ["run", "run_idle"]

_TARGET_MS = 10.0
# Longer than a connection may idle: 60 s in tenure, 90 s in the API server.
_IDLE_S = 100.0


def run(bench: Bench) -> list[Row]:
    """Run it."""
    ours = _takeovers(bench, "tenure", bench.repeats(20, 3))
    theirs = _takeovers(bench, "client-go", bench.repeats(10, 2))
    common: dict[str, Any] = {"measure": "takeover_release", "unit": "ms"}
    return [
        Row(
            **common,
            subject="tenure",
            what="release sent until the next leads",
            values=[(led - sent) * 1000 for _, sent, led in ours],
            at_most=_TARGET_MS,
        ),
        Row(
            **common,
            subject="tenure",
            what="SIGTERM until the next leads",
            values=[(led - signalled) * 1000 for signalled, _, led in ours],
        ),
        Row(
            **common,
            subject="client-go",
            what="SIGTERM until the next leads",
            values=[(led - signalled) * 1000 for signalled, _, led in theirs],
        ),
    ]


def run_idle(bench: Bench) -> list[Row]:
    """The same with followers whose last request is so long ago that no idle connection is left."""
    namespace = bench.namespace("takeover_idle")
    pairs = start_pairs(bench, "tenure", namespace, bench.repeats(10, 2))
    bench.settle(_IDLE_S)
    values = []
    for pair in pairs:
        signalled = boot_time()
        pair.leader.process.terminate()
        led = pair.follower.wait_after("started", signalled)
        pair.leader.terminate()
        values.append((led - pair.leader.seen("releasing", signalled)[0]["boottime"]) * 1000)
        bench.settle(0.5, 0.5)
    return [
        Row(
            measure="takeover_idle",
            subject="tenure",
            what=f"release sent until the next leads, after {_IDLE_S:g} s without a request of its own",
            unit="ms",
            values=values,
            at_most=_TARGET_MS,
        )
    ]


def _takeovers(bench: Bench, kind: str, repeats: int) -> list[tuple[float, float, float]]:
    """Return boot times: the signal, the release (tenure alone tells), the begin of the next body."""
    namespace = bench.namespace("takeover_release")

    def start(number: int) -> Subject:
        config = bench.cluster.admin_kubeconfig
        return bench.start(KINDS[kind](config, namespace, kind, f"{kind}-{number}"))

    taken = []
    leader = start(0)
    leader.wait_for("started")
    for number in range(1, repeats + 1):
        follower = start(number)
        wait_until_following(follower, kind)
        bench.settle(0.5, 2.0 if kind == "client-go" else 0.2)
        signalled = boot_time()
        leader.process.terminate()
        led = follower.wait_after("started", signalled)
        leader.terminate()
        released = leader.seen("releasing", signalled) or [{"boottime": signalled}]
        taken.append((signalled, float(released[0]["boottime"]), led))
        leader = follower
    return taken
