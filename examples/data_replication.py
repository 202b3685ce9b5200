"""Data replication: of all members only the leader writes to a copy, and keeps it in sync with its source.

The source logs its changes under rising numbers; SQLite stands for your databases. Beside its items the copy
holds the number of the last change that it has, and changes both in one transaction: whoever leads next goes
on exactly where the copy is. Meanwhile the fence in the file beside it is held, so that a replaced leader
cannot take the copy back. (In PostgreSQL it is a row of the same database: `PostgresFence.transaction`.)

    python examples/data_replication.py --election=copy --kubeconfig=dev.kubeconfig --identity=a \
        --source=source.db --copy=copy.db
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from tenure import FencingToken, LeaderElector, StaleTokenError, Term, Timing
from tenure.fencing.sqlite import BlockingSqliteFence

SOURCE = """
CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, value TEXT);
"""
COPY = """
CREATE TABLE IF NOT EXISTS items (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL);
INSERT OR IGNORE INTO progress VALUES (1, 0);
"""
BATCH = 100


def open_database(path: Path, schema: str) -> sqlite3.Connection:
    """Open a database that has these tables; transactions in it are begun by hand."""
    db = sqlite3.connect(path, timeout=30, isolation_level=None)
    db.executescript(schema)
    return db


def apply(copy: sqlite3.Connection, number: int, key: str, value: str | None) -> None:
    """Do to the copy what was done to the source; no value: the item was removed."""
    if value is None:
        copy.execute("DELETE FROM items WHERE key = ?", (key,))
    else:
        copy.execute("INSERT OR REPLACE INTO items VALUES (?, ?)", (key, value))
    copy.execute("UPDATE progress SET number = ?", (number,))


def catch_up(source_path: Path, copy_path: Path, fence: BlockingSqliteFence, token: FencingToken) -> int:
    """Apply the next changes, and return how many; refused to everyone whose successor has begun."""
    with (
        fence.holding(token),  # here, in the thread: it goes on when the task that waits for it is cancelled
        closing(open_database(source_path, SOURCE)) as source,
        closing(open_database(copy_path, COPY)) as copy,
        copy,
    ):
        copy.execute("BEGIN IMMEDIATE")
        changes = source.execute(
            "SELECT number, key, value FROM changes WHERE number > ? ORDER BY number LIMIT ?",
            (*copy.execute("SELECT number FROM progress").fetchone(), BATCH),
        ).fetchall()
        for change in changes:
            apply(copy, *change)
        return len(changes)


async def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--election", required=True)
    options.add_argument("--kubeconfig", help="default: the Pod's own configuration")
    options.add_argument("--identity", help="default: the Pod's name")
    options.add_argument("--lease-duration", type=float, default=15.0, metavar="SECONDS")
    options.add_argument("--source", type=Path, required=True, metavar="FILE")
    options.add_argument("--copy", type=Path, required=True, metavar="FILE")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO)
    fence = BlockingSqliteFence(given.copy.with_suffix(".fence"))

    async def work(term: Term) -> None:
        try:
            while True:
                if not await asyncio.to_thread(catch_up, given.source, given.copy, fence, term.token):
                    await asyncio.sleep(1)
        except StaleTokenError:
            term.check()  # replaced while this process was frozen: campaign again
            raise  # not replaced, and yet refused: the fence has seen somebody else's tokens

    timing = Timing(lease_duration=given.lease_duration)
    elector = LeaderElector(
        given.election, identity=given.identity, kubeconfig=given.kubeconfig, timing=timing
    )
    await elector.run(work)


if __name__ == "__main__":
    asyncio.run(main())
