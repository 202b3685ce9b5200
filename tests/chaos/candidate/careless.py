"""A candidate that is wrong on purpose: after a loss its work goes on. The referee must see that."""

from __future__ import annotations

import asyncio

from tenure import LeaderElector, Term
from tenure.clock import boot_time
from tests.chaos.act import ACT_PERIOD_S
from tests.chaos.candidate.options import log_to_stderr, options

_GOES_ON_S = 5.0


def main() -> None:
    """Campaign until SIGTERM."""
    log_to_stderr()
    given = options()
    actor = given.actor("careless")

    async def work(term: Term) -> None:
        actor.begin(int(term.token))
        try:
            while True:
                actor.act(lambda: 1.0)
                await asyncio.sleep(ACT_PERIOD_S)
        finally:
            until = boot_time() + _GOES_ON_S
            while boot_time() < until:
                actor.act(lambda: 1.0)
                await asyncio.sleep(ACT_PERIOD_S)

    elector = LeaderElector(given.lock, identity=given.identity, timing=given.timing, on_missing="wait")
    asyncio.run(elector.run(work))


if __name__ == "__main__":
    main()
