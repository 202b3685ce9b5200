"""A candidate whose body runs in a thread and polls its term."""

from __future__ import annotations

import sys
import time

from tenure import PermissionDeniedError, blocking
from tests.chaos.act import ACT_PERIOD_S
from tests.chaos.candidate.options import REFUSED, log_to_stderr, options

_DRAIN_ACTS = 10


def main() -> None:
    """Campaign until SIGTERM."""
    log_to_stderr()
    given = options()
    actor = given.actor("blocking")

    def work(term: blocking.Term) -> None:
        actor.begin(int(term.token))
        writer = given.writer(term.token, term.remaining_s)
        while not term.wait_ending(ACT_PERIOD_S):
            actor.act(term.remaining_s)
        writer.end()
        for _ in range(_DRAIN_ACTS):  # finish what was begun: a term that is given up is valid meanwhile
            if not actor.act(term.remaining_s):
                return
            time.sleep(ACT_PERIOD_S)

    elector = blocking.LeaderElector(**given.elector)
    try:
        while True:  # a body that returns before its loss is noticed has released; it campaigns again
            elector.run(work)
    except PermissionDeniedError as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
