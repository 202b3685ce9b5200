"""What the commands ``make chaos`` and ``make chaos-peers`` have in common."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.report import Report

__all__ = ["exit_status", "options", "say", "write"]

_RED, _GREEN, _PLAIN = "\033[31m", "\033[32m", "\033[0m"


def say(line: str) -> None:
    """Tell what happens, at once."""
    print(line, flush=True)


def options(module: str, description: str | None) -> argparse.Namespace:
    """Read the command line: seconds, seed, json, markdown."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--seconds", type=float, default=60, help="how long faults are done (60)")
    parser.add_argument("--seed", type=int, help="of the plan; without it a fresh one, which is printed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all details there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report as a document there")
    given = parser.parse_args()
    if given.seed is None:
        given.seed = random.SystemRandom().randrange(1_000_000)
    return given


def write(reports: Sequence[Report], given: argparse.Namespace) -> None:
    """Write the reports wherever they are wanted."""
    for report in reports:
        print(f"\n{report.text()}")
    if given.json:
        parts = [report.as_json() for report in reports]
        given.json.write_text(json.dumps(parts if len(parts) > 1 else parts[0], indent=1) + "\n")
    if given.markdown:
        given.markdown.write_text("\n\n".join(report.markdown() for report in reports) + "\n")


def exit_status(reports: Sequence[Report]) -> int:
    """Say whether all was well, and return the exit status."""
    red, green, plain = (_RED, _GREEN, _PLAIN) if sys.stdout.isatty() else ("", "", "")
    faults = [fault for report in reports for fault in report.faults]
    for fault in faults:
        print(f"{red}FAULT: {fault}{plain}")
    if not faults:
        print(f"{green}nothing happened that must not{plain}")
    return 1 if faults else 0
