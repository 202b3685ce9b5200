"""Runner: many inputs for one target in one process; counts, measures growth, tells how to replay."""

from __future__ import annotations

import gc
import os
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.decisions import Decisions
from tests.fuzz.target import Target, alarm

__all__ = ["Runner", "run_atheris", "run_random"]

_LONGEST_INPUT = 512
_WARM_UP = 0.1
"""The share of the inputs after which memory is measured first: caches and free lists are full by then."""
_MOST_GROWTH_KIB = 32 * 1024
"""More than allocators and an engine's own corpus need, and some 35 bytes for each of a million inputs."""


class Runner:
    """Feeds a target, input by input, and ends the process with the verdict.

    Args:
        name: of the target, for the command that replays an input.
        target: what to feed.
        inputs: how many.
    """

    def __init__(self, name: str, target: Target, inputs: int) -> None:
        self._name = name
        self._target = target
        self._inputs = inputs
        self._done = 0
        self._started = time.monotonic()
        self._warm_kib = self._warm_blocks = 0

    def feed(self, data: bytes) -> None:
        """Try one input; after the last one, or one that fails, this does not return."""
        try:
            with alarm():
                self._target.check(Decisions(data))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            self._fail(data)
        self._done += 1
        if self._done == max(1, int(self._inputs * _WARM_UP)):
            self._warm_kib, self._warm_blocks = _memory_kib(), sys.getallocatedblocks()
        if self._done == self._inputs:
            self._report()

    def _fail(self, data: bytes) -> None:
        traceback.print_exc()
        print(f"\n{self._name}: input {self._done + 1} fails; replay it with:", file=sys.stderr)
        print(f"  python -m tests.fuzz {self._name} --replay {data.hex() or '00'}", file=sys.stderr)
        _end(1)

    def _report(self) -> None:
        seconds = time.monotonic() - self._started
        self._target.close()
        grown_kib = _memory_kib() - self._warm_kib
        blocks = sys.getallocatedblocks() - self._warm_blocks
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{self._name}: {self._done} inputs, {self._done / seconds:.0f}/s, no failure; memory "
            f"{grown_kib:+d} KiB and {blocks:+d} Python blocks since the warm-up, {peak_kib} KiB at most"
        )
        if grown_kib > _MOST_GROWTH_KIB:
            print(f"{self._name}: memory grew by more than {_MOST_GROWTH_KIB} KiB", file=sys.stderr)
        _end(int(grown_kib > _MOST_GROWTH_KIB))


def run_random(runner: Runner, seed: int) -> None:
    """Feed random bytes for ever; the same seed gives the same inputs."""
    source = random.Random(seed)
    while True:
        runner.feed(source.randbytes(source.randrange(_LONGEST_INPUT)))


def run_atheris(make_runner: Callable[[], Runner], seed: int, packages: tuple[str, ...]) -> None:
    """Feed what atheris makes of the coverage that it sees in `packages`.

    Raises:
        ImportError: atheris is not installed.
    """
    import atheris

    with atheris.instrument_imports(include=list(packages)):
        runner = make_runner()
    # Long inputs from the start: short ones decide hardly anything.
    arguments = [
        f"-seed={seed}",
        "-len_control=0",
        f"-max_len={_LONGEST_INPUT}",
        "-timeout=0",
        "-rss_limit_mb=0",
    ]
    atheris.Setup([sys.argv[0], "-print_pcs=0", "-verbosity=0", *arguments], runner.feed)
    atheris.Fuzz()


def _memory_kib() -> int:
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    return resident * resource.getpagesize() // 1024


def _end(code: int) -> None:
    """End at once: the engine in between takes an exit for a crash of its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
