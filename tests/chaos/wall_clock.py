"""Wall clocks that jump, while the time that runs on stays true: libfaketime."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
from pathlib import Path

__all__ = ["WallClock", "WallClockUnavailableError", "build_library"]

HOUR_S = 3600
# Nothing is shared between processes: a killed one would leave its semaphore behind.
HEADER = "#include <semaphore.h>\n#define sem_open(...) SEM_FAILED\n"
FLAGS = ["-std=gnu99", "-O1", "-w", "-fPIC", "-shared", "-pthread", '-DPREFIX=""', '-DLIBDIRNAME=""']


class WallClockUnavailableError(Exception):
    """Wall clocks cannot be stepped here; names the remedy."""


def build_library(folder: Path) -> Path:
    """Build libfaketime in `folder` from the sources in its Python package, and return the shared library.

    Only what reads clocks is built in. The library that the package brings also shifts absolute timers, and
    takes all of them for timers of the wall clock: after a step, those of boot time fire hours too late.

    Raises:
        WallClockUnavailableError: the sources or a C compiler are missing, or they do not get on.
    """
    package = importlib.util.find_spec("libfaketime")
    if package is None or package.origin is None:
        raise WallClockUnavailableError("no libfaketime: make install")
    compiler = shutil.which("cc")
    if compiler is None:
        raise WallClockUnavailableError("no C compiler for libfaketime: apt-get install gcc libc6-dev")
    sources = Path(package.origin).parent / "vendor" / "libfaketime" / "src"
    header, library = folder / "unshared.h", folder / "libfaketime.so"
    header.write_text(HEADER)
    symbols = f"-Wl,--version-script={sources / 'libfaketime.map'}"
    files = ["-include", str(header), str(sources / "libfaketime.c"), symbols, "-o", str(library)]
    done = subprocess.run([compiler, *FLAGS, *files, "-ldl", "-lm", "-lrt"], capture_output=True, text=True)
    if done.returncode:
        raise WallClockUnavailableError(f"libfaketime cannot be built: {done.stderr.strip()}")
    return library


class WallClock:
    """The wall clock of one candidate, hours wrong from one moment to the next; monotonic and boot time stay.

    It reaches programs that ask the C library. Go's ask the kernel.

    Args:
        library: from `build_library`.
        folder: for its file.
        victim: the candidate's name, for words.

    Attributes:
        name: of the fault.
        environment: variables to add to the candidate's.
    """

    name = "wall clock stepped"

    def __init__(self, library: Path, folder: Path, victim: str) -> None:
        self._victim = victim
        self._file = folder / f"wall-clock-{victim}"
        self._step("+0")
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",  # look at each call
            "DONT_FAKE_MONOTONIC": "1",  # nor boot time, by the same switch
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def begin(self, rng: random.Random) -> str:
        """Step it some hours forward or backward until `end`, and return how far, in words."""
        step_s = rng.choice((-1, 1)) * rng.uniform(0.1, 30) * HOUR_S
        self._step(f"{step_s:+.3f}")
        return f"{self._victim}: wall clock stepped by {step_s / HOUR_S:+.1f} h"

    def end(self) -> None:
        """Step it back to the right time."""
        self._step("+0")

    def _step(self, offset: str) -> None:
        """Replaced, not rewritten: it is read at any moment."""
        new = self._file.with_suffix(".new")
        try:
            new.write_text(offset)
            os.replace(new, self._file)
        except FileNotFoundError:  # the folder is gone, and the candidate with it
            pass
