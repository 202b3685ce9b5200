"""One peer as a process: ``python -m benchmarks.peer OPTIONS``, the options as one JSON object.

It reports events in the form of `benchmarks.candidate`: ``started`` and ``stopped`` by its body, ``lost``,
``granted`` (each time that it has got the lease or an extension: seconds since the sending of PREPARE) and
``follows`` (whom it takes for the leader). SIGUSR1 lets it give up its term and campaign again.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from typing import Any

from benchmarks.candidate import Reporter
from tenure import LeaderElector, Peers, Term, Timing
from tenure.clock import boot_time
from tenure.events import Elected, Event, LeaderChanged, Lost, Renewed

__all__ = ["main"]

_COLLECTION_PERIOD_S = 1.0


def main() -> None:
    """Campaign until SIGTERM."""
    options = json.loads(sys.argv[1])
    asyncio.run(_Peer(options, Reporter(options["identity"])).run())


class _Peer:
    def __init__(self, options: dict[str, Any], report: Reporter) -> None:
        self._report = report
        self._garbage = options["garbage_objects"]
        self._timing = Timing(lease_duration=options["lease_duration_s"])
        hybrid = bool(options["kubeconfig"])
        peers = Peers(
            "" if hybrid else "bench",
            at=options["at"],
            voters=options["voters"],
            secret=options["secret"],
            listen=options["at"][options["identity"]],
        )
        where: dict[str, Any] = {"where": peers}
        if hybrid:
            where = {"where": "bench", "peers": peers, "kubeconfig": options["kubeconfig"]}
        self._elector = LeaderElector(**where, identity=options["identity"], timing=self._timing)
        self._elector.subscribe(self._tell)

    async def run(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._elector.resign)
        async with asyncio.TaskGroup() as tasks:
            if self._garbage:
                tasks.create_task(self._collect())
            await self._elector.run(self._work)

    async def _work(self, term: Term) -> None:
        self._report("started", token=str(term.token))
        try:
            await asyncio.Event().wait()
        finally:
            self._report("stopped")

    def _tell(self, event: Event) -> None:
        if isinstance(event, Elected | Renewed):
            prepared = event.deadline - self._timing.renew_deadline
            self._report("granted", took_s=boot_time() - prepared)
        elif isinstance(event, Lost):
            self._report("lost", reason=event.reason)
        elif isinstance(event, LeaderChanged):
            self._report("follows", whom=event.leader)

    async def _collect(self) -> None:
        """Keep many objects, and let the collector look at all of them every second."""
        heap = [[number] for number in range(self._garbage)]
        while heap:
            began = boot_time()
            gc.collect()
            self._report("collected", took_s=boot_time() - began)
            await asyncio.sleep(_COLLECTION_PERIOD_S)


if __name__ == "__main__":
    main()
