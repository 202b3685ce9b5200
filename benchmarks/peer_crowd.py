"""Many peers of one election in a process: ``python -m benchmarks.peer_crowd OPTIONS``, one JSON object.

Reports ``ready`` when all of this process know the leader.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from benchmarks.candidate import Reporter
from tenure import LeaderElector, Peers, Term, Timing
from tenure.events import Event, LeaderChanged

__all__ = ["main"]

_START_INTERVAL_S = 0.02


class _Crowd:
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._informed: set[str] = set()
        self._report = Reporter(options["identity"])

    async def run(self) -> None:
        async with asyncio.TaskGroup() as peers:
            for name in self._options["own"]:
                peers.create_task(self._campaign(name))
                await asyncio.sleep(_START_INTERVAL_S)

    async def _campaign(self, name: str) -> None:
        def tell(event: Event) -> None:
            if isinstance(event, LeaderChanged) and event.leader and name not in self._informed:
                self._informed.add(name)
                if len(self._informed) == len(self._options["own"]):
                    self._report("ready")

        at = self._options["at"]
        peers = Peers(
            "bench", at=at, voters=self._options["voters"], secret=self._options["secret"], listen=at[name]
        )
        timing = Timing(lease_duration=self._options["lease_duration_s"])
        elector = LeaderElector(peers, identity=name, timing=timing)
        elector.subscribe(tell)
        await elector.run(_lead, handle_signals=False)


async def _lead(_term: Term) -> None:
    await asyncio.Event().wait()


def main() -> None:
    """Campaign until the process is killed."""
    asyncio.run(_Crowd(json.loads(sys.argv[1])).run())


if __name__ == "__main__":
    main()
