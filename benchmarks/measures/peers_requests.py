"""What peers in hybrid mode ask of the API server while the leader stays."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.democracy.real import free_addresses

from benchmarks.bench import Bench
from benchmarks.groups import PeerGroup
from benchmarks.measures.peers_crash import MEMBERS
from benchmarks.row import Row
from tenure.clock import boot_time
from tenure.devserver import DevServer, running_devserver

__all__ = ["run"]

_REST_S = 5.0
_WINDOW_S = 120.0


def run(bench: Bench) -> list[Row]:
    """Run it, against the embedded API server, which notes every request."""
    with tempfile.TemporaryDirectory() as folder, running_devserver(DevServer()) as server:
        kubeconfig = server.kubeconfig(Path(folder) / "kubeconfig")
        group = PeerGroup(bench, free_addresses(MEMBERS), kubeconfig=str(kubeconfig))
        group.start_all()
        bench.settle(_REST_S)
        at_start = len(server.requests)
        since = boot_time()
        bench.settle(_WINDOW_S if not bench.quick else 6.0)
        asked = len(server.requests) - at_start
        took_s = boot_time() - since
        extended = len(group.told("granted", since))
        kill = group.kill(group.wait_until_led())
        before = len(server.requests)
        group.led_after(kill)
        bench.settle(1.0)
        per_change = len(server.requests) - before
        group.stop()
    return [
        Row(
            measure="peers_requests",
            subject="tenure",
            what=f"requests of {MEMBERS} members in hybrid mode while the leader stays",
            unit="1/h",
            values=[asked * 3600 / took_s],
            at_most=0.0,
            judged="max",
            note=f"{asked} requests, {extended} extensions in {took_s:.0f} s; {at_start} requests before",
        ),
        Row(
            measure="peers_requests",
            subject="tenure",
            what="... when the leader changes",
            unit="count",
            values=[per_change],
        ),
    ]
