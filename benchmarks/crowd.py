"""Many candidates of one election in a process: ``python -m benchmarks.crowd OPTIONS``, one JSON object.

Each has a connection pool of its own. SIGUSR1 lets the one that leads release and leave for good. Reports
``ready`` (all know the leader), ``releasing`` and ``started``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import signal
import sys
from typing import Any

from benchmarks.observed import ObservedLock
from tenure import LeaderElector, LeaseLock, Term, Timing
from tenure.clock import boot_time
from tenure.events import Event, LeaderChanged
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.kubeconfig import load_kubeconfig

__all__ = ["main"]

_START_INTERVAL_S = 0.02
_REPORTED = ("started", "releasing", "ready")


class _OwnPool(ClusterConfig):
    """Equal to no other configuration, so that no client is shared."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class _Crowd:
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._config = load_kubeconfig(options["kubeconfig"])
        self._release = asyncio.Event()
        self._informed: set[str] = set()

    async def run(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._release.set)
        async with asyncio.TaskGroup() as candidates:
            for number in range(self._options["count"]):
                candidates.create_task(self._campaign(f"{self._options['identity']}-{number}"))
                await asyncio.sleep(_START_INTERVAL_S)

    async def _campaign(self, identity: str) -> None:
        def report(event: str, **details: Any) -> None:
            if event in _REPORTED:
                self._report(event, identity, **details)

        def tell(event: Event) -> None:
            if isinstance(event, LeaderChanged) and event.leader and identity not in self._informed:
                self._informed.add(identity)
                if len(self._informed) == self._options["count"]:
                    report("ready")

        async def work(term: Term) -> None:
            self._release.clear()
            report("started", token=str(term.token))
            await self._release.wait()

        config = _OwnPool(
            **{field.name: getattr(self._config, field.name) for field in dataclasses.fields(ClusterConfig)}
        )
        lock = LeaseLock(self._options["name"], self._options["namespace"], config=config)
        timing = Timing(lease_duration=self._options["lease_duration_s"])
        elector = LeaderElector(ObservedLock(lock, report), identity=identity, timing=timing)
        elector.subscribe(tell)
        await elector.run(work)

    @staticmethod
    def _report(event: str, identity: str, **details: Any) -> None:
        line = {"event": event, "identity": identity, "leader": "", "boottime": boot_time(), **details}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Campaign until the process is killed."""
    asyncio.run(_Crowd(json.loads(sys.argv[1])).run())


if __name__ == "__main__":
    main()
