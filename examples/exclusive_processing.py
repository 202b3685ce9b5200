"""Exclusive processing: of all members only the leader sends the notifications of an outbox, each one once.

The outbox is a table that your application fills in its own transactions. SQLite stands for your database,
and the fence in the file beside it for a row within: in PostgreSQL, `PostgresFence.transaction` does what
`Outbox.transaction` does here. The first transaction of a leader raises the fence to its token. From then on
an earlier leader that wakes up late takes no notification and marks none; and a receiver that has a fence too
takes nothing from it.

No fence takes back what has left. A leader that dies between sending and marking has sent what its successor
sends again: that is "at least once". It becomes "once" at a receiver who remembers the Idempotency-Key, the
same both times, and ignores what it has already.

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

import httpx2

from tenure import FencingToken, LeaderElector, StaleTokenError, Term, Timing
from tenure.fencing.httpx import async_event_hooks
from tenure.fencing.sqlite import BlockingSqliteFence

SCHEMA = "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, text TEXT NOT NULL, sent_by TEXT)"


class Outbox:
    """The notifications, and their fence; its methods block, so call them in a thread.

    There the fence is held until the transaction is over, also when the task that waits for it is cancelled.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.fence = path, BlockingSqliteFence(path.with_suffix(".fence"))
        with closing(sqlite3.connect(path, timeout=30)) as db:
            db.execute(SCHEMA)

    @contextmanager
    def transaction(self, token: FencingToken) -> Iterator[sqlite3.Connection]:
        """Open a transaction that is refused to everyone whose successor has begun."""
        with self.fence.holding(token), closing(sqlite3.connect(self.path, timeout=30)) as db, db:
            yield db

    def next_unsent(self, token: FencingToken) -> tuple[int, str] | None:
        """Return id and text of the oldest notification that is not marked as sent."""
        with self.transaction(token) as db:
            row: tuple[int, str] | None = db.execute(
                "SELECT id, text FROM outbox WHERE sent_by IS NULL ORDER BY id LIMIT 1"
            ).fetchone()
            return row

    def mark_sent(self, token: FencingToken, key: int) -> None:
        """Note who has sent it."""
        with self.transaction(token) as db:
            db.execute("UPDATE outbox SET sent_by = ? WHERE id = ?", (str(token), key))


async def send(http: httpx2.AsyncClient, url: str, term: Term, key: int, text: str) -> bool:
    """Hand one notification to the receiver; return whether it took it."""
    try:
        async with asyncio.timeout(term.remaining_s()):
            response = await http.post(url, headers={"Idempotency-Key": str(key)}, content=text)
            response.raise_for_status()
    except (httpx2.HTTPError, TimeoutError) as error:
        print(f"notification {key} not sent: {error!r}", flush=True)
        return False
    return True


async def empty(outbox: Outbox, url: str, term: Term) -> None:
    """Send what is in the outbox and what comes into it, in its order, for as long as the term lasts."""
    # The hooks check the term before each request, add its token, and make its refusal a StaleTokenError.
    async with httpx2.AsyncClient(event_hooks=async_event_hooks(term), timeout=None) as http:
        while True:
            row = await asyncio.to_thread(outbox.next_unsent, term.token)
            if row and await send(http, url, term, *row):
                await asyncio.to_thread(outbox.mark_sent, term.token, row[0])
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
    outbox = Outbox(given.outbox)

    async def work(term: Term) -> None:
        try:
            await empty(outbox, given.url, term)
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
