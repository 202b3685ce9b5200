"""A program that is gone before anybody can look: each of its processes forks the next one, and ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sign = Path(sys.argv[1])
    if os.fork() == 0:
        os.setsid()  # out of reach of what is sent to the program's group
        while True:
            sign.touch()
            if os.fork():
                os._exit(0)
    os.waitpid(-1, 0)
    while True:
        os.read(0, 1)
