"""Exclusive processing in threads: what exclusive_processing.py does, with `tenure.blocking`.

The work runs in the main thread and may block as it likes: its term is renewed in another one. But nobody can
interrupt a thread, so it asks for itself whether its term goes on: `wait_ending` between two notifications,
the adapter right before it sends one, and it waits for the receiver no longer than the term is sure to last.
What comes too late nevertheless is refused by the fences; exclusive_processing.py says what "once" means.

    python examples/exclusive_processing_threads.py --election=mail --kubeconfig=dev.kubeconfig --identity=a \
        --outbox=outbox.db --url=http://127.0.0.1:8080/
"""

from __future__ import annotations

import argparse
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import requests

from tenure import FencingToken, StaleTokenError, Timing
from tenure.blocking import LeaderElector, Term
from tenure.fencing.requests import FencingAdapter
from tenure.fencing.sqlite import BlockingSqliteFence

SCHEMA = "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, text TEXT NOT NULL, sent_by TEXT)"


class Outbox:
    """The notifications, and their fence."""

    def __init__(self, path: Path) -> None:
        self.path, self.fence = path, BlockingSqliteFence(path.with_suffix(".fence"))
        with closing(sqlite3.connect(path, timeout=30)) as db:
            db.execute(SCHEMA)

    @contextmanager
    def transaction(self, token: FencingToken) -> Iterator[sqlite3.Connection]:
        """Open a transaction that is refused to everyone whose successor has begun."""
        with self.fence.holding(token), closing(sqlite3.connect(self.path, timeout=30)) as db, db:
            yield db


def send_next(outbox: Outbox, http: requests.Session, url: str, term: Term) -> bool:
    """Send the oldest notification that is not marked as sent, and mark it; return whether there was one."""
    with outbox.transaction(term.token) as db:
        row = db.execute("SELECT id, text FROM outbox WHERE sent_by IS NULL ORDER BY id LIMIT 1").fetchone()
    if not row:
        return False
    key, text = row
    headers = {"Idempotency-Key": str(key)}
    http.post(url, text.encode(), headers=headers, timeout=term.remaining_s()).raise_for_status()
    with outbox.transaction(term.token) as db:
        db.execute("UPDATE outbox SET sent_by = ? WHERE id = ?", (str(term.token), key))
    return True


def empty(outbox: Outbox, url: str, term: Term) -> None:
    """Send what is in the outbox and what comes into it, in its order, for as long as the term lasts."""
    with requests.Session() as http:
        http.mount(url, FencingAdapter(term))
        pause_s = 0
        while not term.wait_ending(timeout=pause_s):
            try:
                pause_s = 0 if send_next(outbox, http, url, term) else 1
            except requests.RequestException as error:
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
    outbox = Outbox(given.outbox)

    def work(term: Term) -> None:
        try:
            empty(outbox, given.url, term)
        except StaleTokenError:
            term.check()  # replaced while this process was frozen: campaign again
            raise  # not replaced, and yet refused: the fence has seen somebody else's tokens

    timing = Timing(lease_duration=given.lease_duration)
    elector = LeaderElector(
        given.election, identity=given.identity, kubeconfig=given.kubeconfig, timing=timing
    )
    elector.run(work)


if __name__ == "__main__":
    main()
