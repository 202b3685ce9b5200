"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.cluster.build import BinaryUnavailableError, binary
from tests.democracy.package import installed

import tenure
from benchmarks.audited import AuditedCluster
from benchmarks.bench import Bench
from benchmarks.measures import MEASURES, PEERS
from benchmarks.noise import probe, probe_datagrams
from benchmarks.report import markdown, table, write_json
from benchmarks.row import Row

__all__ = ["main"]

_JSON = Path("build/benchmarks.json")


def main() -> int:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "measure",
        nargs="*",
        choices=[*MEASURES, "peers", []],
        help="which (default: all); peers: all of peers_…, which need no API server",
    )
    parser.add_argument("--quick", action="store_true", help="few repeats and short leases: a rehearsal")
    parser.add_argument("--markdown", action="store_true", help="print Markdown instead of a table")
    parser.add_argument(
        "--json", type=Path, default=_JSON, help=f"where to write everything (default: {_JSON})"
    )
    given = parser.parse_args()
    names = [each for name in given.measure or MEASURES for each in (PEERS if name == "peers" else [name])]
    try:
        cluster = _prepare(names)
    except BinaryUnavailableError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        rows, conditions = _measure(cluster, names, quick=given.quick)
    finally:
        if cluster is not None:
            cluster.stop()
    write_json(given.json, rows, conditions)
    print(markdown(rows, conditions) if given.markdown else f"{_lines(conditions)}\n\n{table(rows)}")
    return 1 if any(row.verdict in ("MISSED", "no samples") for row in rows) else 0


def _prepare(names: list[str]) -> AuditedCluster | None:
    """Build and install what is needed, and start the cluster, if it is."""
    if set(names) & set(PEERS):
        installed()
    if set(names) <= set(PEERS):
        return None
    for name in ("etcd", "kube-apiserver", "candidate-v0.36"):
        binary(name)
    cluster = AuditedCluster()
    cluster.start()
    return cluster


def _measure(
    cluster: AuditedCluster | None, names: list[str], *, quick: bool
) -> tuple[list[Row], dict[str, Any]]:
    bench = Bench(cluster, quick=quick)
    noise = bench.namespace("noise") if cluster is not None else ""
    conditions: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "tenure": _commit(),
        "machine": f"{os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}",
    }
    rows: list[Row] = []
    _note_noise(conditions, "noise before", cluster, noise)
    for name in names:
        print(
            f"{time.strftime('%H:%M:%S')} {name} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True
        )
        rows += _try(bench, name)
        conditions[f"load after {name}"] = f"{os.getloadavg()[0]:.2f}"
    _note_noise(conditions, "noise after", cluster, noise)
    return rows, conditions


def _try(bench: Bench, name: str) -> list[Row]:
    """Run one measure; one that fails spoils no other, and shows in the table."""
    try:
        with bench.measuring():
            return MEASURES[name](bench)
    except (AssertionError, OSError, RuntimeError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return [Row(measure=name, subject="tenure", what="failed", unit="", values=[], note=str(error)[:300])]


def _note_noise(
    conditions: dict[str, Any], when: str, cluster: AuditedCluster | None, namespace: str
) -> None:
    if cluster is None:
        found = probe_datagrams()
        conditions[when] = f"load {found['load']}; datagram to another process and back {found['echo']}"
        return
    found = probe(cluster, namespace)
    conditions[when] = f"load {found['load']}; GET {found['get']}; PUT {found['put']}"


def _commit() -> str:
    """Return the commit that is measured: that of the imported package, which need not be this checkout's."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=Path(tenure.__file__).parent, capture_output=True, text=True)
    return done.stdout.strip() or "not from a checkout"


def _lines(conditions: dict[str, Any]) -> str:
    return "\n".join(f"{key}: {value}" for key, value in conditions.items())


if __name__ == "__main__":
    sys.exit(main())
