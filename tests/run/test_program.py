"""The end of a program: by itself, and where nobody can look whether something is left."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: the end of a program kills what is below the process that has started it.
_ENDS_BY_ITSELF = """
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

_NO_DESCRIPTORS = """
import asyncio, math, os, resource
from tenure.cli.run.program import Program
from tenure.guard.processes import below

async def main():
    program = Program(["sh", "-c", "setsid sleep 1000 & exec sleep 1000"], os.environ,
                      grace_s=1, kill_by=math.inf, cgroup=None)
    ending = asyncio.create_task(program.until_nothing_is_left())
    while len(below(os.getpid())) < 2:
        await asyncio.sleep(0.01)
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, usual[1]))
    program.kill()
    await asyncio.wait({ending}, timeout=0.5)
    has_given_up = ending.done()
    resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    print(has_given_up, await ending, below(os.getpid()))

asyncio.run(main())
"""


def test_what_is_told_after_its_end_comes_too_late() -> None:
    """Else its status would be lost, and it would be run again."""
    done = subprocess.run(
        [sys.executable, "-c", _ENDS_BY_ITSELF], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"


def test_where_nobody_can_look_it_is_not_taken_for_dead() -> None:
    """Else its term would be released while it runs."""
    command = [sys.executable, "-c", _NO_DESCRIPTORS]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout == b"False 137 []\n"
