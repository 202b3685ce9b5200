"""Peers: members elect among themselves over UDP; the API numbers their terms, and a fence knows the numbers.

They ask each other, three times in a lease of 2 s, and the API server only when the leader changes: that
write is one ConfigMap, and its version is the fencing token. So a leader that was frozen meets a fence which
its successor has raised, whatever all clocks say. A file with a fence beside it stands for your store.

The secret is one for all, and the list names everybody, this member too; in a cluster it is
--at=endpointslices:SERVICE (docs/peers.yaml). Each in a terminal of its own, with a, b and c as identity:

    head -c 32 /dev/urandom | base64 > peers.secret
    python examples/peers.py --election=journal --kubeconfig=dev.kubeconfig --identity=a \
        --at=a=127.0.0.1:7411,b=127.0.0.1:7412,c=127.0.0.1:7413 --listen=127.0.0.1:7411 \
        --secret=peers.secret --journal=journal.txt
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

from tenure import LeaderElector, Peers, StaleTokenError, Term
from tenure.fencing.sqlite import SqliteFence


async def write(journal: Path, fence: SqliteFence, identity: str, term: Term) -> None:
    """Add a line to the journal, again and again, for as long as the term lasts."""
    await fence.raise_to(term.token)  # first of all: from here on older leaders are refused
    while True:
        async with fence.holding(term.token):
            with journal.open("a") as file:
                file.write(f"{term.token} {identity}\n")
        await asyncio.sleep(0.2)


async def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--election", required=True)
    options.add_argument("--kubeconfig", help="default: the Pod's own configuration")
    options.add_argument("--identity", help="default: the Pod's name")
    options.add_argument("--at", required=True, metavar="WHERE", help="where the members are")
    options.add_argument("--listen", metavar="HOST:PORT", help="default: port 7411 of the Pod's address")
    options.add_argument("--secret", type=Path, required=True, metavar="FILE")
    options.add_argument("--journal", type=Path, required=True, metavar="FILE")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO)
    fence = SqliteFence(given.journal.with_suffix(".fence"))
    elector = LeaderElector(
        given.election,
        peers=Peers(at=given.at, secret=given.secret, listen=given.listen),
        identity=given.identity,
        kubeconfig=given.kubeconfig,
    )

    async def work(term: Term) -> None:
        try:
            await write(given.journal, fence, elector.identity, term)
        except StaleTokenError:
            term.check()  # replaced while this process was frozen: campaign again
            raise  # not replaced, and yet refused: the fence has seen somebody else's tokens

    await elector.run(work)


if __name__ == "__main__":
    asyncio.run(main())
