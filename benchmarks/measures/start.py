"""How long a candidate takes from its execution until it leads."""

from __future__ import annotations

from benchmarks.bench import KINDS, Bench
from benchmarks.mounts import mounted_account
from benchmarks.row import Row
from benchmarks.subjects import Subject, Tenure

__all__ = ["run"]

_TARGET_MS = 300.0


def run(bench: Bench) -> list[Row]:
    """Run it: one candidate at a time, each in an election of its own."""
    namespace = bench.namespace("start")
    config = bench.cluster.admin_kubeconfig
    mount, environment = mounted_account(bench.cluster, namespace)
    repeats = bench.repeats(15, 3)
    taken: dict[str, list[float]] = {"in a Pod": [], "tenure": [], "client-go": []}
    for number in range(repeats):
        name = f"in-pod-{number}"
        inside = Tenure(config, namespace, name, name, mount=mount, environment=environment)
        taken["in a Pod"].append(_start(bench, inside))
        for kind in KINDS:
            name = f"{kind}-{number}"
            taken[kind].append(_start(bench, KINDS[kind](config, namespace, name, name)))
    return [
        Row(
            measure="start",
            subject="client-go" if case == "client-go" else "tenure",
            what=f"exec until it leads, {'mounted account' if case == 'in a Pod' else 'kubeconfig'}",
            unit="ms",
            values=values,
            at_most=None if case == "client-go" else _TARGET_MS,
        )
        for case, values in taken.items()
    ]


def _start(bench: Bench, subject: Subject) -> float:
    bench.start(subject)
    led = subject.wait_for("started")["boottime"]
    executed = subject.wait_for("executed")["boottime"]
    subject.terminate()
    return float(led - executed) * 1000
