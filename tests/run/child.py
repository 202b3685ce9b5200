"""A program for `tenure run` to run: notes what it was given, then beats until something ends it.

Runs as a script: ``child.py FOLDER NAME HABIT...``, where a habit is ``ignore-term``, ``handle=SIGNAL``,
``end-on=SIGNAL``, ``fork``, ``leave`` (a daemon of its own session), ``flood`` or ``exit=STATUS``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

_BEAT_S = 0.005


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")), 16)


def _signals(name: str) -> int:
    """Return a set of signals without those that the C library keeps for itself, and nobody can change."""
    return _status(name) & ~(0b11 << 31)  # 32 and 33


def _note(folder: Path, name: str) -> None:
    ours = {key: value for key, value in os.environ.items() if "TENURE" in key}
    note: dict[str, Any] = {
        "name": name,
        "pid": os.getpid(),
        "group": os.getpgrp(),
        "session": os.getsid(0),
        "began": _now(),
        "environment": ours,
        "descriptors": [
            int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")
        ],
        "ignored": _signals("SigIgn"),
        "blocked": _signals("SigBlk"),
    }
    hidden = folder / f".{name}-{os.getpid()}"
    hidden.write_text(json.dumps(note))
    hidden.rename(folder / f"{name}-{os.getpid()}.note")


def _beat(folder: Path, name: str) -> None:
    with open(folder / f"{name}-{os.getpid()}.beat", "wb", buffering=0) as file:
        while True:
            os.pwrite(file.fileno(), b"%.6f\n" % _now(), 0)
            time.sleep(_BEAT_S)


def main() -> None:
    """Do as the arguments say."""
    folder, name, *habits = Path(sys.argv[1]), *sys.argv[2:]
    for habit in habits:
        what, _, value = habit.partition("=")
        if what == "ignore-term":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif what == "handle":
            signal.signal(
                signal.Signals[value], lambda number, _: (folder / f"{name}-got").write_text(str(number))
            )
        elif what == "end-on":
            signal.signal(signal.Signals[value], lambda *_: os._exit(9))
    if "fork" in habits and os.fork() == 0:
        name += "-child"
    if "leave" in habits and os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _note(folder, f"{name}-daemon")
        _beat(folder, f"{name}-daemon")
    _note(folder, name)
    for habit in habits:
        if habit.startswith("exit="):
            if "leave" in habits:
                while not list(folder.glob(f"{name}-daemon-*.beat")):
                    time.sleep(_BEAT_S)
            os._exit(int(habit.removeprefix("exit=")))
    if "flood" in habits:
        (folder / f"{name}-{os.getpid()}.beat").touch()
        while True:
            os.write(1, 65536 * b"x")
    _beat(folder, name)


if __name__ == "__main__":
    main()
