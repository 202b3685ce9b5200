"""What the guard of a ``tenure run`` that leads takes of the memory."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.row import Row
from benchmarks.runs import Run

__all__ = ["run"]

_TARGET_MIB = 6.0
_REPEATS = 3


def run(bench: Bench) -> list[Row]:
    """Run it: one after another, since guards that run at a time would share their pages."""
    namespace = bench.namespace("run_guard")
    found: dict[str, list[float]] = {"Pss": [], "Rss": []}
    for number in range(_REPEATS):
        name = f"guard-{number}"
        subject = bench.start(Run(bench.cluster.admin_kubeconfig, namespace, name, name))
        subject.wait_for("started")
        bench.settle(15.0 if not bench.quick else 2.0)
        for kind, values in found.items():
            values.append(_mib(subject.process.pid, kind))
        subject.kill()
    return [
        Row(
            measure="run_guard",
            subject="tenure",
            what="proportional set size of the guard of tenure run",
            unit="MiB",
            values=found["Pss"],
            at_most=_TARGET_MIB,
            judged="max",
            note="it shares the interpreter's files with its supervisor, the program and the benchmark",
        ),
        Row(
            measure="run_guard",
            subject="tenure",
            what="resident set size of the same",
            unit="MiB",
            values=found["Rss"],
        ),
    ]


def _mib(pid: int, kind: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{kind}:"))) / 1024
