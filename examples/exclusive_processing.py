"""Exclusive processing: of all members only the leader sends the notifications of an outbox, each one once.

The outbox is a table that your application fills in its own transactions; SQLite stands for your database.
Every transaction of a leader first raises the fence in that database to its token, or is refused: from the
first one of its successor on, a leader that wakes up late takes no notification and marks none.

No fence takes back what has left. A leader that dies between sending and marking has sent what its successor
sends again, and so has one that froze right before it sent: that is "at least once". It becomes "once" at a
receiver who remembers the Idempotency-Key, the same both times, and ignores what it has already.

    python examples/exclusive_processing.py --election=mail --kubeconfig=dev.kubeconfig --identity=a \
        --outbox=outbox.db --url=http://127.0.0.1:8080/
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpcore2

from tenure import FencingToken, LeaderElector, StaleTokenError, Term, Timing

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, text TEXT NOT NULL, sent_by TEXT);
CREATE TABLE IF NOT EXISTS fence (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER, version INTEGER);
"""
RAISE_FENCE = """
INSERT INTO fence VALUES (1, ?, ?)
ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, version = excluded.version
WHERE (fence.epoch, fence.version) <= (excluded.epoch, excluded.version)
"""
SEND_ERRORS = (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, TimeoutError)


@contextmanager
def fenced(outbox: Path, token: FencingToken) -> Iterator[sqlite3.Connection]:
    """Open a transaction that is refused to everyone whose successor has begun."""
    with closing(sqlite3.connect(outbox, timeout=30, isolation_level=None)) as db, db:
        db.execute("BEGIN IMMEDIATE")
        if not db.execute(RAISE_FENCE, (token.epoch, token.version)).rowcount:
            raise StaleTokenError(f"the outbox has seen a higher token than {token}")
        yield db


def next_unsent(outbox: Path, token: FencingToken) -> tuple[int, str] | None:
    """Return id and text of the oldest notification that is not marked as sent."""
    with fenced(outbox, token) as db:
        row: tuple[int, str] | None = db.execute(
            "SELECT id, text FROM outbox WHERE sent_by IS NULL ORDER BY id LIMIT 1"
        ).fetchone()
        return row


def mark_sent(outbox: Path, token: FencingToken, key: int) -> None:
    """Note who has sent it."""
    with fenced(outbox, token) as db:
        db.execute("UPDATE outbox SET sent_by = ? WHERE id = ?", (str(token), key))


async def send(http: httpcore2.AsyncConnectionPool, url: str, term: Term, key: int, text: str) -> bool:
    """Hand one notification to the receiver; return whether it took it."""
    headers = [("Idempotency-Key", str(key)), ("Fencing-Token", str(term.token))]
    try:
        async with asyncio.timeout(term.remaining_s()):
            response = await http.request("POST", url, headers=headers, content=text.encode())
    except SEND_ERRORS as error:
        print(f"notification {key} not sent: {error!r}", flush=True)
        return False
    if response.status >= 300:
        print(f"notification {key} refused: status {response.status}", flush=True)
    return response.status < 300


async def empty(outbox: Path, url: str, term: Term) -> None:
    """Send what is in the outbox and what comes into it, in its order, for as long as the term lasts."""
    async with httpcore2.AsyncConnectionPool() as http:
        while True:
            row = await asyncio.to_thread(next_unsent, outbox, term.token)
            term.check()
            if row and await send(http, url, term, *row):
                await asyncio.to_thread(mark_sent, outbox, term.token, row[0])
            else:
                await asyncio.sleep(1)


async def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--election", required=True)
    options.add_argument("--kubeconfig", help="default: the Pod's own configuration")
    options.add_argument("--identity", help="default: the Pod's name")
    options.add_argument("--lease-duration", type=float, default=15.0, metavar="SECONDS")
    options.add_argument("--outbox", type=Path, required=True, metavar="FILE")
    options.add_argument("--url", required=True, help="the receiver of the notifications")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO)

    async def work(term: Term) -> None:
        try:
            await empty(given.outbox, given.url, term)
        except StaleTokenError:
            term.check()  # replaced while this process was frozen: campaign again
            raise  # not replaced, and yet refused: somebody else's tokens are in this database

    with closing(sqlite3.connect(given.outbox)) as db:
        db.executescript(SCHEMA)
    timing = Timing(lease_duration=given.lease_duration)
    elector = LeaderElector(
        given.election, identity=given.identity, kubeconfig=given.kubeconfig, timing=timing
    )
    await elector.run(work)


if __name__ == "__main__":
    asyncio.run(main())
