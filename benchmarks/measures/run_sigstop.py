"""Whether the program below a stopped ``tenure run`` is dead before another candidate starts its own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.runs import Run

__all__ = ["run"]

_LEASE_S = 2.0
_STOPPED_S = 2 * _LEASE_S
_ROUNDS = 50
_BEAT_AGAIN_S = 0.05
"""A program that is alive has given another sign of it by then."""

_VICTIMS: dict[str, Callable[[Run], list[int]]] = {
    "the process that was started": lambda run: [run.process.pid],
    "its supervisor": lambda run: [run.supervisor],
    "both": lambda run: [run.supervisor, run.process.pid],
}


def run(bench: Bench) -> list[Row]:
    """Run it: what is stopped differs, each in an election of its own, all at a time."""
    namespace = bench.namespace("run_sigstop")
    with ThreadPoolExecutor() as pool:
        margins = dict(
            zip(_VICTIMS, pool.map(lambda victim: _margins(bench, namespace, victim), _VICTIMS), strict=True)
        )
    rows = []
    for victim, values in margins.items():
        rows.append(
            Row(
                measure="run_sigstop",
                subject="tenure",
                what=f"programs alive when the next began; {victim} stopped for two leases",
                unit="count",
                values=[float(sum(margin <= 0 for margin in values))],
                at_most=0,
                judged="max",
                note=f"of {len(values)}; L = {_LEASE_S:g} s",
            )
        )
        rows.append(
            Row(
                measure="run_sigstop",
                subject="tenure",
                what=f"from its last sign of life until the next began; {victim} stopped",
                unit="ms",
                values=[margin * 1000 for margin in values],
            )
        )
    return rows


def _margins(bench: Bench, namespace: str, victim: str) -> list[float]:
    """Return for each round how many seconds before the next program began the last one was alive."""
    name = victim.replace(" ", "-")

    def start(number: int) -> Run:
        config = bench.cluster.admin_kubeconfig
        return bench.start(Run(config, namespace, name, f"{name}-{number}", lease_duration_s=_LEASE_S))

    margins = []
    leader = start(0)
    leader.wait_for("started")
    for number in range(1, bench.repeats(_ROUNDS, 3) + 1):
        follower = start(number)
        follower.wait_until_standby()
        bench.settle(0.0, _LEASE_S / 3)
        stopped = _VICTIMS[victim](leader)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(_STOPPED_S)
        began = float(follower.wait_for("started")["boottime"])
        time.sleep(_BEAT_AGAIN_S)
        margins.append(began - leader.last_alive())
        leader.kill()
        leader = follower
    leader.kill()
    return margins
