"""A candidate with an asyncio body."""

from __future__ import annotations

import asyncio
import sys

from tenure import LeaderElector, PermissionDeniedError, Term
from tests.chaos.act import ACT_PERIOD_S, Actor
from tests.chaos.candidate.options import REFUSED, log_to_stderr, options

_DRAIN_ACTS = 10


def main() -> None:
    """Campaign until SIGTERM."""
    log_to_stderr()
    given = options()
    actor = given.actor("asyncio")

    async def work(term: Term) -> None:
        actor.begin(int(term.token))
        writer = given.writer(term.token, term.remaining_s)
        try:
            while True:
                actor.act(term.remaining_s)
                await asyncio.sleep(ACT_PERIOD_S)
        except asyncio.CancelledError:
            await _drain(actor, term)
            raise
        finally:
            await asyncio.to_thread(writer.end)

    try:
        asyncio.run(LeaderElector(**given.elector).run(work))
    except PermissionDeniedError as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)


async def _drain(actor: Actor, term: Term) -> None:
    """Finish what was begun, as bodies do: a term that is given up is valid until they have ended."""
    for _ in range(_DRAIN_ACTS):
        if not actor.act(term.remaining_s):
            return
        await asyncio.sleep(ACT_PERIOD_S)


if __name__ == "__main__":
    main()
