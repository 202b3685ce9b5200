"""Ticket office: the leader gives out numbers, one to each customer whose name comes on its standard input.

It makes sure that it leads, reads the last number, and writes the next one. SQLite stands for your database,
and `think` for whatever your leader does between reading and writing. two_leaders.py freezes a leader there,
once without --fence and once with it.

    python examples/ticket_office.py --election=tickets --kubeconfig=dev.kubeconfig --identity=a \
        --table=tickets.db --fence=tickets.fence
"""

from __future__ import annotations

import argparse
import signal
import sqlite3
import sys
from contextlib import closing, nullcontext
from pathlib import Path

from tenure import LeadershipLostError, StaleTokenError, Timing
from tenure.blocking import LeaderElector, Term
from tenure.fencing.sqlite import BlockingSqliteFence

SCHEMA = "CREATE TABLE IF NOT EXISTS tickets (number INTEGER NOT NULL, customer TEXT, worker TEXT)"
NEXT_NUMBER = "SELECT coalesce((SELECT number FROM tickets ORDER BY rowid DESC LIMIT 1), 0) + 1"


class Office:
    """One worker: serves while it leads. Without a fence nothing but its own checks keeps it from writing."""

    def __init__(
        self, worker: str, table: Path, fence: BlockingSqliteFence | None, freeze_for: str | None
    ) -> None:
        self.worker, self.table, self.fence, self.freeze_for = worker, table, fence, freeze_for

    def serve(self, term: Term) -> None:
        """Serve one customer after the other, for as long as the term lasts."""
        if self.fence:
            self.fence.raise_to(term.token)  # before the first read
        print(f"leads with token {term.token}", flush=True)
        for line in sys.stdin:
            try:
                self.give_number(term, line.strip())
            except StaleTokenError as error:
                print(f"REFUSED: {error}", flush=True)
            try:
                term.check()
            except LeadershipLostError as error:
                print(f"checks again, after the fact: {error}", flush=True)
                raise

    def give_number(self, term: Term, customer: str) -> None:
        """Give the next number to this customer: check, read, write."""
        with closing(sqlite3.connect(self.table, timeout=30, isolation_level=None)) as db:
            term.check()
            (number,) = db.execute(NEXT_NUMBER).fetchone()
            self.think(customer, number)
            with self.fence.holding(term.token) if self.fence else nullcontext():
                db.execute("INSERT INTO tickets VALUES (?, ?, ?)", (number, customer, self.worker))
        print(f"gives {number} to {customer}", flush=True)

    def think(self, customer: str, number: int) -> None:
        """Freeze until SIGCONT, as in a live migration, a long garbage collection, or on a starved node."""
        if customer == self.freeze_for:
            print(f"leads, read that {number} is next, and freezes before it writes that", flush=True)
            signal.raise_signal(signal.SIGSTOP)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--election", required=True)
    options.add_argument("--kubeconfig", help="default: the Pod's own configuration")
    options.add_argument("--identity", required=True)
    options.add_argument("--lease-duration", type=float, default=15.0, metavar="SECONDS")
    options.add_argument("--table", type=Path, required=True, metavar="FILE")
    options.add_argument("--fence", type=Path, metavar="FILE", help="default: a stale leader is not refused")
    options.add_argument("--freeze-for", metavar="CUSTOMER", help="freeze before the write for this one")
    given = options.parse_args()

    with closing(sqlite3.connect(given.table, timeout=30)) as db:
        db.execute(SCHEMA)
    fence = BlockingSqliteFence(given.fence) if given.fence else None
    office = Office(given.identity, given.table, fence, given.freeze_for)
    timing = Timing(lease_duration=given.lease_duration)
    elector = LeaderElector(
        given.election, identity=given.identity, kubeconfig=given.kubeconfig, timing=timing
    )
    print("campaigns", flush=True)
    elector.run(office.serve)


if __name__ == "__main__":
    main()
