"""A program that ends by itself is not one that was told to."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: the end of a program kills what is below the process that has started it.
_SCRIPT = """
import asyncio, math, os
from tenure.cli.run.program import Program
from tenure.guard.processes import below, zombies

async def main():
    program = Program(["true"], os.environ, grace_s=1, kill_by=math.inf, cgroup=None)
    ending = asyncio.create_task(program.until_nothing_is_left())
    while below(os.getpid()) or zombies(os.getpid()):
        await asyncio.sleep(0)
    program.end()
    assert await ending == 0
    print(program.was_told)

asyncio.run(main())
"""


def test_what_is_told_after_its_end_comes_too_late() -> None:
    """Else its status would be lost, and it would be run again."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"
