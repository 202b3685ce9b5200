"""What peers cost while nothing happens: datagrams and CPU of 5, 20 and 100 members, beside democracy.js."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.namespace import Namespace
from tests.cluster.candidate_process import CandidateProcess

from benchmarks.bench import Bench
from benchmarks.groups import DemocracyGroup, write_secret
from benchmarks.row import Row
from benchmarks.subjects import PeerCrowd
from tenure.clock import boot_time

__all__ = ["run"]

_SIZES = (5, 20, 100)
_PROCESSES = 4
_FIRST_PORT = 20_000
_REST_S = 5.0
_WINDOW_S = 15.0

Start = Callable[[Bench, list[str], list[str]], Sequence[CandidateProcess]]


def run(bench: Bench) -> list[Row]:
    """Run it: one group after another, each on the loopback of a network namespace, which counts for it."""
    starts: dict[str, Start] = {"tenure": _start_peers, "democracy.js": _start_democracy}
    return [
        row
        for subject in starts
        for size in _SIZES
        for row in _measure(bench, subject, size, starts[subject])
    ]


def _measure(bench: Bench, subject: str, size: int, start: Start) -> list[Row]:
    namespace = Namespace()
    try:
        namespace.run(subprocess.run, ["ip", "link", "set", "lo", "up"], check=True)
        prefix = [str(shutil.which("nsenter")), f"--net={namespace.path}"]
        addresses = [f"127.0.0.1:{_FIRST_PORT + number}" for number in range(size)]
        processes = start(bench, addresses, prefix)
        bench.settle(_REST_S)
        before = boot_time(), _datagrams(namespace), _cpu_s(processes)
        bench.settle(_WINDOW_S if not bench.quick else 5.0)
        after = boot_time(), _datagrams(namespace), _cpu_s(processes)
        for process in processes:
            process.kill()
    finally:
        namespace.close()
    took_s, sent, cpu_s = (new - old for old, new in zip(before, after, strict=True))
    common: dict[str, Any] = {"measure": "peers_load", "subject": subject}
    note = f"{sent / took_s:.0f} datagrams a second in all among {size}"
    return [
        Row(
            **common,
            what=f"{size} members: datagrams that one sends",
            unit="1/s",
            values=[sent / took_s / size],
            note=note,
        ),
        Row(**common, what="... CPU of one", unit="ms/s", values=[1000 * cpu_s / took_s / size]),
    ]


def _start_peers(bench: Bench, addresses: list[str], prefix: list[str]) -> Sequence[CandidateProcess]:
    names = [f"peer-{number}" for number in range(len(addresses))]
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "at": dict(zip(names, addresses, strict=True)),
            "voters": names if len(names) == 5 else names[:3],
            "secret": str(write_secret(Path(folder))),
            "lease_duration_s": 2.0,
        }
        crowds = [
            PeerCrowd(f"crowd-{number}", options, names[number::_PROCESSES]) for number in range(_PROCESSES)
        ]
        for crowd in crowds:
            crowd._command = [*prefix, *crowd._command]
            bench.start(crowd)
        for crowd in crowds:
            crowd.wait_for("ready", timeout_s=120)
    return crowds


def _start_democracy(bench: Bench, addresses: list[str], prefix: list[str]) -> Sequence[CandidateProcess]:
    group = DemocracyGroup(bench, addresses, prefixes=[prefix] * len(addresses))
    group.start_all()
    return [member for member in group.members if member is not None]


def _datagrams(namespace: Namespace) -> float:
    """Return how many datagrams were sent there since it was made."""
    names, values = (
        line.split()
        for line in namespace.run(Path("/proc/thread-self/net/snmp").read_text).splitlines()
        if line.startswith("Udp:")
    )
    return float(dict(zip(names, values, strict=True))["OutDatagrams"])


def _cpu_s(processes: Sequence[CandidateProcess]) -> float:
    """Return what these processes have used since they started."""
    ticks = 0
    for each in processes:
        fields = Path(f"/proc/{each.process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
