"""Long searches of the peers' lease: ``python -m tests.search.peers --states 8000000 [NAME…]``."""

from __future__ import annotations

import argparse
import resource
import sys
import time

from tests.search.peers.cases import CAUGHT, HARMLESS, LONG, SHORT
from tests.search.peers.search import Result, search

_PER_MIB = 1024  # ru_maxrss is in KiB on Linux
_SETTINGS = {**SHORT, **LONG, **HARMLESS, **{name: case.setting for name, case in CAUGHT.items()}}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.search.peers", description=__doc__)
    parser.add_argument("--states", type=int, default=8_000_000, help="stop at so many different ones")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(LONG)}")
    given = parser.parse_args()
    if unknown := set(given.names) - set(_SETTINGS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(_SETTINGS)}")
    return given


def _figures(result: Result, since: float) -> str:
    seconds = time.monotonic() - since
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MIB
    return (
        f"depth {result.depth}: {result.states:,} states, {result.steps:,} steps, "
        f"{result.terms:,} terms begun, {result.extensions:,} extended, {seconds:,.0f} s, "
        f"{result.states / seconds:,.0f} states/s, {memory_mib:,.0f} MiB"
    )


def main() -> int:
    """Run the searches; return 1 if one of them found something."""
    given, found = _arguments(), 0
    for name in given.names or LONG:
        since = time.monotonic()
        result = search(
            _SETTINGS[name],
            most_states=given.states,
            progress=lambda result, since=since: print(_figures(result, since), flush=True),
        )
        extent = "complete" if result.complete else "bounded"
        print(f"{name}: {extent}, {_figures(result, since)}", flush=True)
        if result.violation is not None:
            print(result.violation)
            found = 1
    return found


if __name__ == "__main__":
    sys.exit(main())
