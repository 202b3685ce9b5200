"""Chaos among peers by hand: ``make chaos-peers SECONDS=60 SEED=7``."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.command import exit_status, options, say, write
from tests.chaos.peers.run import run_peers_chaos


def main() -> int:
    """Run for half of the time with peers alone and for the rest in hybrid mode, and report.

    Returns:
        1: something happened that must not.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end in good order
    given = options("tests.chaos.peers", __doc__)
    folder = Path(tempfile.mkdtemp(prefix="tenure-chaos-peers-"))
    print(f"chaos among peers for {given.seconds:g} s, seed {given.seed}; logs in {folder}", flush=True)
    reports = []
    try:
        for hybrid in (False, True):
            part = folder / ("hybrid" if hybrid else "alone")
            part.mkdir()
            reports.append(run_peers_chaos(part, given.seconds / 2, given.seed, say, hybrid=hybrid))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    write(reports, given)
    return exit_status(reports)


if __name__ == "__main__":
    sys.exit(main())
