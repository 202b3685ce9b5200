"""A candidate of tenure as a process, which reports as the client-go candidates of these tests do."""

from __future__ import annotations

import argparse
import asyncio
import json

from tenure import LeaderElector, Term, Timing
from tenure.clock import boot_time
from tenure.events import Event, LeaderChanged
from tests.walks.places import lock_of


def main() -> None:
    options = argparse.ArgumentParser()
    for name in ("kubeconfig", "namespace", "name", "lock", "identity"):
        options.add_argument(f"--{name}", required=True)
    options.add_argument("--lease-duration", type=float, required=True)
    given = options.parse_args()

    def report(event: str, leader: str | None = None) -> None:
        line = {"event": event, "identity": given.identity, "leader": leader, "boottime": boot_time()}
        print(json.dumps(line), flush=True)

    def tell(event: Event) -> None:
        if isinstance(event, LeaderChanged) and event.leader:
            report("leader", event.leader)

    async def work(term: Term) -> None:
        report("started")
        try:
            await asyncio.Event().wait()
        finally:
            report("stopped")

    elector = LeaderElector(
        lock_of(given.lock, given.name, given.namespace, given.kubeconfig),
        identity=given.identity,
        timing=Timing(lease_duration=given.lease_duration),
    )
    elector.subscribe(tell)
    asyncio.run(elector.run(work))


if __name__ == "__main__":
    main()
