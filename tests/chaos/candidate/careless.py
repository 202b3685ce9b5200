"""A candidate that is wrong on purpose: after a loss its work goes on, and it writes past the fence.

The referee must see that.
"""

from __future__ import annotations

import asyncio

from tenure import LeaderElector, Term
from tenure.clock import boot_time
from tests.chaos.act import ACT_PERIOD_S
from tests.chaos.candidate.options import log_to_stderr, options
from tests.chaos.store import write

_GOES_ON_S = 5.0


def main() -> None:
    """Campaign until SIGTERM."""
    log_to_stderr()
    given = options()
    actor = given.actor("careless")

    async def work(term: Term) -> None:
        actor.begin(int(term.token))

        async def act() -> None:
            actor.act(lambda: 1.0)
            if given.store:
                write(given.store, given.who, term.token, fenced=False)
            await asyncio.sleep(ACT_PERIOD_S)

        try:
            while True:
                await act()
        finally:
            until = boot_time() + _GOES_ON_S
            while boot_time() < until:
                await act()

    asyncio.run(LeaderElector(**given.elector).run(work))


if __name__ == "__main__":
    main()
