"""Two leaders: one that was frozen between its check and its write damages a table, and a fence refuses it.

Two workers (ticket_office.py) campaign on an API server in memory. The one that leads is frozen, the other
takes over, and then the first one goes on where it was: without a fence, and once more with it.

    python examples/two_leaders.py

Status 0: the first table is damaged, and the second is not. docs/two-leaders.md explains it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType, TracebackType
from typing import Self

from tenure.devserver import running_devserver

OFFICE = Path(__file__).with_name("ticket_office.py")
LEASE_S, GIVE_UP_S = 3, 60
STARTED_AT = time.monotonic()

Ticket = tuple[int, str, str]  # number, customer, worker


class Worker:
    """A process that campaigns; what it says is printed when somebody listens."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        command = [sys.executable, str(OFFICE), f"--identity={name}", *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def listen(self) -> None:
        """Wait for the next line, and print it."""
        assert self.process.stdout
        assert self.process.stderr
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} has ended: {self.process.stderr.read()}")
        tell(f"{self.name:4} {line.rstrip()}")

    def serve(self, customer: str) -> None:
        """Send a customer, and listen."""
        assert self.process.stdin
        self.process.stdin.write(f"{customer}\n")
        self.process.stdin.flush()
        self.listen()

    def wait_until_frozen(self) -> None:
        """Wait until it stands still."""
        # WNOWAIT leaves the news to Popen, should it have ended instead.
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let it go on where it was."""
        self.process.send_signal(signal.SIGCONT)


def play(folder: Path, *fence: str) -> list[Ticket]:
    """Play the scene once; return the table as it is afterwards."""
    table = folder / "tickets.db"
    with ExitStack() as stack:
        kubeconfig = stack.enter_context(running_devserver()).kubeconfig(folder / "kubeconfig")
        arguments = (
            "--election=tickets",
            f"--kubeconfig={kubeconfig}",
            f"--lease-duration={LEASE_S}",
            f"--table={table}",
            *fence,
        )
        red = stack.enter_context(Worker("red", *arguments, "--freeze-for=Cid"))
        red.listen()
        red.listen()
        blue = stack.enter_context(Worker("blue", *arguments))
        blue.listen()
        for customer in ("Ann", "Bob", "Cid"):
            red.serve(customer)
        red.wait_until_frozen()
        tell(f"     red is frozen and cannot renew: blue waits until its lease of {LEASE_S} s has run out")
        blue.listen()
        for customer in ("Dan", "Eve"):
            blue.serve(customer)
        tell("     red is resumed, with its check behind it and its write before it")
        red.resume()
        red.listen()
        red.listen()
        blue.serve("Fay")
    with closing(sqlite3.connect(table)) as db:
        return db.execute("SELECT number, customer, worker FROM tickets ORDER BY rowid").fetchall()


def tell(text: str) -> None:
    print(f"{time.monotonic() - STARTED_AT:5.2f} s  {text}", flush=True)


def given_twice(tickets: list[Ticket]) -> list[int]:
    """Return the numbers that more than one customer has."""
    return [number for number, times in Counter(ticket[0] for ticket in tickets).items() if times > 1]


def conclude(unfenced: list[Ticket], fenced: list[Ticket]) -> int:
    """Print both tables and the verdict; return the exit status."""
    print(f"\n  {'without a fence':20}with a fence")
    for pair in zip_longest(unfenced, fenced):
        cells = ["{:<3}{:6}{}".format(*ticket) if ticket else "" for ticket in pair]
        print(f"  {cells[0]:20}{cells[1]}".rstrip())
    damage, left = given_twice(unfenced), given_twice(fenced)
    print(f"\ngiven out twice without a fence: {' and '.join(map(str, damage)) or 'nothing'}")
    print(f"given out twice with a fence:    {' and '.join(map(str, left)) or 'nothing'}")
    return 0 if damage and not left else 1


def give_up(number: int, frame: FrameType | None) -> None:
    sys.exit(f"not over after {GIVE_UP_S} s: is this machine very busy?")


def main() -> int:
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(GIVE_UP_S)
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        print("Without a fence:")
        unfenced = play(Path(first))
        print("\nWith a fence:")
        fenced = play(Path(second), f"--fence={second}/tickets.fence")
    return conclude(unfenced, fenced)


if __name__ == "__main__":
    sys.exit(main())
