"""Exclusive processing in threads: what exclusive_processing.py does, with `tenure.blocking`.

The work runs in the main thread and may block as it likes: its term is renewed in another one. But nobody can
interrupt a thread, so it asks for itself whether its term goes on: `wait_ending` between two notifications,
`check` right before it sends one, and it waits for the receiver no longer than the term is sure to last. What
comes too late nevertheless is refused by the fence; what "once" means is said in exclusive_processing.py.

    python examples/exclusive_processing_threads.py --election=mail --kubeconfig=dev.kubeconfig --identity=a \
        --outbox=outbox.db --url=http://127.0.0.1:8080/
"""

from __future__ import annotations

import argparse
import logging
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path

from tenure import FencingToken, StaleTokenError, Timing
from tenure.blocking import LeaderElector, Term

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, text TEXT NOT NULL, sent_by TEXT);
CREATE TABLE IF NOT EXISTS fence (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER, version INTEGER);
"""
RAISE_FENCE = """
INSERT INTO fence VALUES (1, ?, ?)
ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, version = excluded.version
WHERE (fence.epoch, fence.version) <= (excluded.epoch, excluded.version)
"""


@contextmanager
def fenced(db: sqlite3.Connection, token: FencingToken) -> Iterator[None]:
    """Open a transaction that is refused to everyone whose successor has begun."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        if not db.execute(RAISE_FENCE, (token.epoch, token.version)).rowcount:
            raise StaleTokenError(f"the outbox has seen a higher token than {token}")
        yield


def send(url: str, term: Term, key: int, text: str) -> None:
    """Hand one notification to the receiver."""
    term.check()
    headers = {"Idempotency-Key": str(key), "Fencing-Token": str(term.token)}
    request = urllib.request.Request(url, text.encode(), headers)
    with urllib.request.urlopen(request, timeout=term.remaining_s()):
        pass  # it has accepted: every other answer is an error


def send_next(db: sqlite3.Connection, url: str, term: Term) -> bool:
    """Send the oldest notification that is not marked as sent, and mark it; return whether there was one."""
    with fenced(db, term.token):
        row = db.execute("SELECT id, text FROM outbox WHERE sent_by IS NULL ORDER BY id LIMIT 1").fetchone()
    if not row:
        return False
    send(url, term, *row)
    with fenced(db, term.token):
        db.execute("UPDATE outbox SET sent_by = ? WHERE id = ?", (str(term.token), row[0]))
    return True


def empty(outbox: Path, url: str, term: Term) -> None:
    """Send what is in the outbox and what comes into it, in its order, for as long as the term lasts."""
    with closing(sqlite3.connect(outbox, timeout=30, isolation_level=None)) as db:
        pause_s = 0
        while not term.wait_ending(timeout=pause_s):
            try:
                pause_s = 0 if send_next(db, url, term) else 1
            except (OSError, HTTPException) as error:
                print(f"not sent: {error!r}", flush=True)
                pause_s = 1


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--election", required=True)
    options.add_argument("--kubeconfig", help="default: the Pod's own configuration")
    options.add_argument("--identity", help="default: the Pod's name")
    options.add_argument("--lease-duration", type=float, default=15.0, metavar="SECONDS")
    options.add_argument("--outbox", type=Path, required=True, metavar="FILE")
    options.add_argument("--url", required=True, help="the receiver of the notifications")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO)

    def work(term: Term) -> None:
        try:
            empty(given.outbox, given.url, term)
        except StaleTokenError:
            term.check()  # replaced while this process was frozen: campaign again
            raise  # not replaced, and yet refused: somebody else's tokens are in this database

    with closing(sqlite3.connect(given.outbox)) as db:
        db.executescript(SCHEMA)
    timing = Timing(lease_duration=given.lease_duration)
    elector = LeaderElector(
        given.election, identity=given.identity, kubeconfig=given.kubeconfig, timing=timing
    )
    elector.run(work)


if __name__ == "__main__":
    main()
