"""Chaos by hand: ``make chaos SECONDS=60 SEED=7``."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.command import exit_status, options, say, write
from tests.chaos.run import run_chaos
from tests.cluster.build import BinaryUnavailableError
from tests.cluster.server import Cluster


def main() -> int:
    """Run once and report; 1: something happened that must not."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end in good order
    given = options("tests.chaos", __doc__)
    folder = Path(tempfile.mkdtemp(prefix="tenure-chaos-"))
    cluster = Cluster()
    print(f"chaos for {given.seconds:g} s, seed {given.seed}; logs in {folder}", flush=True)
    try:
        cluster.start()
        report = run_chaos(cluster, folder, given.seconds, given.seed, say)
    except (BinaryUnavailableError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        cluster.stop()
    write([report], given)
    return exit_status([report])


if __name__ == "__main__":
    sys.exit(main())
