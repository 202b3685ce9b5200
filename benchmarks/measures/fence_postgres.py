"""What the fence in PostgreSQL adds to a transaction that inserts one row."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import psycopg
from tests.servers.postgres import PostgresServer

from benchmarks.bench import Bench
from benchmarks.row import Row
from tenure.fencing.postgres import CREATE_TABLE, BlockingPostgresFence
from tenure.token import FencingToken

__all__ = ["run"]

_TOKEN = FencingToken(1, 1, "default/bench")
_WARM_UP = 200

Transaction = Callable[[], AbstractContextManager[object]]


def run(bench: Bench) -> list[Row]:
    """Run it: the same transaction with and without the fence in turns, over one warm connection."""
    server = PostgresServer()
    server.start()
    try:
        with psycopg.connect(server.create_database(), autocommit=True) as connection:
            connection.execute(CREATE_TABLE)
            connection.execute("CREATE TABLE entry (text text)")
            fence = BlockingPostgresFence(lambda: nullcontext(connection))
            fence.raise_to(_TOKEN)
            cases: dict[str, Transaction] = {
                "without": connection.transaction,
                "with": lambda: fence.transaction(_TOKEN),
            }
            taken = _take(connection, cases, bench.repeats(5000, 200))
    finally:
        server.stop()
    pairs = list(zip(taken["without"], taken["with"], strict=True))
    note = "one row inserted; socket file, no fsync, one connection: the fence is one more round trip"
    return [
        _row("transaction without the fence", "us", taken["without"], note),
        _row("transaction with the fence", "us", taken["with"], note),
        _row("with less without, pair by pair", "us", [fenced - plain for plain, fenced in pairs], note),
        _row("with over without, pair by pair", "ratio", [fenced / plain for plain, fenced in pairs], note),
    ]


def _take(
    connection: psycopg.Connection, cases: dict[str, Transaction], repeats: int
) -> dict[str, list[float]]:
    """Take turns, each case first in every second round; microseconds."""
    taken: dict[str, list[float]] = {case: [] for case in cases}
    for number in range(_WARM_UP + repeats):
        for case in sorted(cases, reverse=bool(number % 2)):
            start = time.perf_counter_ns()
            with cases[case]():
                connection.execute("INSERT INTO entry VALUES ('text')")
            spent_us = (time.perf_counter_ns() - start) / 1000
            if number >= _WARM_UP:
                taken[case].append(spent_us)
    return taken


def _row(what: str, unit: str, values: list[float], note: str) -> Row:
    return Row(measure="fence_postgres", subject="tenure", what=what, unit=unit, values=values, note=note)
