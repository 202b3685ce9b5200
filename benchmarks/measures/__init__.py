"""The measures, by the name that the command line takes."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.measures import (
    crowd,
    fence_postgres,
    loss,
    memory,
    outage,
    peers_crash,
    peers_load,
    peers_owner,
    peers_partition,
    peers_release,
    peers_requests,
    requests,
    run_guard,
    run_sigstop,
    start,
    takeover_crash,
    takeover_release,
    transfer,
)
from benchmarks.row import Row

__all__ = ["MEASURES", "PEERS"]

MEASURES: dict[str, Callable[[Bench], list[Row]]] = {
    "takeover_release": takeover_release.run,
    "takeover_idle": takeover_release.run_idle,
    "takeover_crash": takeover_crash.run,
    "transfer": transfer.run,
    "requests": requests.run,
    "start": start.run,
    "memory": memory.run,
    "crowd": crowd.run,
    "run_guard": run_guard.run,
    "run_sigstop": run_sigstop.run,
    "outage_paused": outage.run_paused,
    "outage_refused": outage.run_refused,
    "outage_blackholed": outage.run_blackholed,
    "outage_swallowed": outage.run_swallowed,
    "loss_paused": loss.run_paused,
    "loss_overwritten": loss.run_overwritten,
    "loss_deleted": loss.run_deleted,
    "loss_terminated": loss.run_terminated,
    "fence_postgres": fence_postgres.run,
    "peers_crash": peers_crash.run,
    "peers_release": peers_release.run,
    "peers_partition": peers_partition.run,
    "peers_owner": peers_owner.run,
    "peers_load": peers_load.run,
    "peers_requests": peers_requests.run,
}

PEERS = tuple(name for name in MEASURES if name.startswith("peers_"))
"""Those that need no API server beside them, but democracy.js."""
