"""One candidate as a process: ``python -m benchmarks.candidate OPTIONS``, the options as one JSON object.

It reports events as JSON lines in the form of the client-go candidates: event, identity, leader, boottime.
``started`` comes from its body when that begins, ``stopped`` when that is cancelled.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.observed import ObservedLock
from tenure import LeaderElector, LeaseLock, Term, Timing
from tenure.clock import boot_time
from tenure.events import Event, Lost
from tenure.kubernetes.config import in_cluster

__all__ = ["Reporter", "main"]


class Reporter:
    """Prints events, each as a line, with the boot time; `identity` is who reports."""

    def __init__(self, identity: str) -> None:
        self._identity = identity

    def __call__(self, event: str, **details: Any) -> None:
        line = {"event": event, "identity": self._identity, "leader": "", "boottime": boot_time(), **details}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Campaign until SIGTERM."""
    options = json.loads(sys.argv[1])
    report = Reporter(options["identity"])
    if options["count_connections"]:
        _report_connections(report)

    def tell(event: Event) -> None:
        if isinstance(event, Lost):
            report("lost", reason=event.reason)

    async def work(term: Term) -> None:
        report("started", token=str(term.token))
        try:
            await asyncio.Event().wait()
        finally:
            report("stopped")

    timing = Timing(lease_duration=options["lease_duration_s"])
    lock = ObservedLock(_lock(options), report)
    elector = LeaderElector(lock, identity=options["identity"], timing=timing)
    elector.subscribe(tell)
    asyncio.run(elector.run(work))


def _lock(options: dict[str, Any]) -> LeaseLock:
    if options["mount"]:
        os.environ.update(options["environment"])
        return LeaseLock(options["name"], options["namespace"], config=in_cluster(Path(options["mount"])))
    return LeaseLock(options["name"], options["namespace"], kubeconfig=options["kubeconfig"])


def _report_connections(report: Reporter) -> None:
    """Report each attempt to connect, also those that nobody could count on the other side."""

    def hook(event: str, _arguments: tuple[object, ...]) -> None:
        if event == "socket.connect":
            report("connecting")

    sys.addaudithook(hook)


if __name__ == "__main__":
    main()
