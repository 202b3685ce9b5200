"""Chaos by hand: ``make chaos SECONDS=60 SEED=7``."""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.report import Report
from tests.chaos.run import run_chaos
from tests.cluster.build import BinaryUnavailableError
from tests.cluster.server import Cluster

_RED, _GREEN, _PLAIN = "\033[31m", "\033[32m", "\033[0m"


def main() -> int:
    """Run once and report; 1: something happened that must not."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end in good order
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="tenure-chaos-"))
    cluster = Cluster()
    print(f"chaos for {options.seconds:g} s, seed {options.seed}; logs in {folder}", flush=True)
    try:
        cluster.start()
        report = run_chaos(cluster, folder, options.seconds, options.seed, _say)
    except (BinaryUnavailableError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        cluster.stop()
    _write(report, options)
    return _verdict(report)


def _say(line: str) -> None:
    print(line, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long faults are done (60)")
    parser.add_argument("--seed", type=int, help="of the plan; without it a fresh one, which is printed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all details there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report as a document there")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1_000_000)
    return options


def _write(report: Report, options: argparse.Namespace) -> None:
    print(f"\n{report.text()}")
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(report.markdown() + "\n")


def _verdict(report: Report) -> int:
    colour = sys.stdout.isatty()
    for fault in report.faults:
        print(f"{_RED if colour else ''}FAULT: {fault}{_PLAIN if colour else ''}")
    if not report.faults:
        print(f"{_GREEN if colour else ''}nothing happened that must not{_PLAIN if colour else ''}")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
