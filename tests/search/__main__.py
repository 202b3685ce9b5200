"""Long searches: ``python -m tests.search --states 2000000 --on-missing wait --deletions 1``."""

from __future__ import annotations

import argparse
import dataclasses
import resource
import sys
import time

from tenure.election import Election
from tenure.testing.search import Limits, Result, search
from tests.sabotage.variants import VARIANTS

_PER_MIB = 1024  # ru_maxrss is in KiB on Linux


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.search", description=__doc__)
    parser.add_argument("--states", type=int, default=2_000_000, help="stop at so many different ones")
    parser.add_argument("--steps", type=int, help="stop at paths of this length")
    parser.add_argument("--variant", choices=sorted(VARIANTS), help="search a sabotaged core")
    parser.add_argument("--on-missing", choices=["create", "wait"], default="create")
    parser.add_argument("--draw", type=float, default=0.0, help="what every random draw yields, 0 to 1")
    for limit in dataclasses.fields(Limits):
        kind = {"action": "store_true"} if limit.name == "stale_news" else {"type": int}
        parser.add_argument(f"--{limit.name.replace('_', '-')}", default=limit.default, **kind)
    return parser.parse_args()


def _figures(result: Result, since: float) -> str:
    seconds = time.monotonic() - since
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MIB
    return (
        f"depth {result.depth}: {result.states:,} states, {result.steps:,} steps, {seconds:,.0f} s, "
        f"{result.states / seconds:,.0f} states/s, {memory_mib:,.0f} MiB"
    )


def main() -> int:
    """Run one search; return 1 if it found something."""
    given = _arguments()
    limits = Limits(**{limit.name: getattr(given, limit.name) for limit in dataclasses.fields(Limits)})
    print(f"{given.variant or 'production'}, on_missing={given.on_missing}, draw={given.draw:g}, {limits}")
    since = time.monotonic()
    result = search(
        VARIANTS[given.variant].core if given.variant else Election,
        on_missing=given.on_missing,
        limits=limits,
        draw=given.draw,
        most_states=given.states,
        most_steps=given.steps,
        progress=lambda result: print(_figures(result, since), flush=True),
    )
    print(_figures(result, since), "complete" if result.complete else "bounded", sep=", ")
    print(result.violation or "nothing wrong")
    return 1 if result.violation else 0


if __name__ == "__main__":
    sys.exit(main())
