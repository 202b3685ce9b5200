"""The fence in PostgreSQL: one transaction with the user's statements, at every isolation level."""

from __future__ import annotations

import asyncio
import math
import re
import subprocess
import sys
from contextlib import nullcontext
from decimal import Decimal

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.rows import dict_row

from tenure import ConfigurationError, FencingToken, StaleTokenError
from tenure.fencing.postgres import CREATE_TABLE, BlockingPostgresFence, PostgresFence

OLD, NEW = FencingToken(0, 9, "default/reports"), FencingToken(0, 10, "default/reports")


@pytest.fixture
def prepared(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(CREATE_TABLE)
        connection.execute(CREATE_TABLE)  # may be repeated
        connection.execute("CREATE TABLE entry (text text)")
    return database


def highest(database: str) -> dict[str, Decimal]:
    with psycopg.connect(database) as connection:
        return dict(connection.execute("SELECT election, token FROM tenure_fence").fetchall())


def entries(database: str) -> list[str]:
    with psycopg.connect(database) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM entry")]


def test_the_fence_and_the_statements_are_of_one_transaction(prepared: str) -> None:
    fence = BlockingPostgresFence(prepared)
    fence.raise_to(OLD)
    with pytest.raises(ZeroDivisionError), fence.transaction(NEW) as connection:
        connection.execute("INSERT INTO entry VALUES ('undone')")
        raise ZeroDivisionError
    assert (highest(prepared), entries(prepared)) == ({"default/reports": 9}, [])
    with fence.transaction(NEW) as connection:
        connection.execute("INSERT INTO entry VALUES ('done')")
    assert (highest(prepared), entries(prepared)) == ({"default/reports": 10}, ["done"])


def test_check_guards_a_transaction_of_ones_own(prepared: str) -> None:
    fence = BlockingPostgresFence(prepared)
    with psycopg.connect(prepared, row_factory=dict_row) as connection:  # begins one by itself
        fence.check(connection, NEW)
        connection.execute("INSERT INTO entry VALUES ('done')")
    other = psycopg.connect(prepared, autocommit=True)
    with other, pytest.raises(StaleTokenError), other.transaction():
        other.execute("INSERT INTO entry VALUES ('undone')")
        fence.check(other, OLD)
    assert entries(prepared) == ["done"]


def test_check_outside_of_a_transaction_is_an_error(prepared: str) -> None:
    connection = psycopg.connect(prepared, autocommit=True)
    with connection, pytest.raises(ConfigurationError, match="autocommit"):
        BlockingPostgresFence(prepared).check(connection, NEW)
    assert highest(prepared) == {}


def test_elections_have_fences_of_their_own(prepared: str) -> None:
    fence = BlockingPostgresFence(prepared)
    fence.raise_to(NEW)
    fence.raise_to(FencingToken(0, 1, "default/others"))
    assert highest(prepared) == {"default/reports": 10, "default/others": 1}


def test_a_missing_table_is_named_with_the_remedy(database: str) -> None:
    with pytest.raises(ConfigurationError, match="CREATE_TABLE in a migration"):
        BlockingPostgresFence(database).raise_to(NEW)
    with pytest.raises(ConfigurationError, match="CREATE_TABLE in a migration"):
        asyncio.run(PostgresFence(database).raise_to(NEW))


@pytest.mark.parametrize("timeout_s", [0, math.nan, math.inf, 2_147_484])
def test_a_timeout_must_be_positive_and_none_that_the_server_cannot_count(timeout_s: float) -> None:
    told = re.escape(f"idle_timeout_s={timeout_s:g}: it must be positive")
    for fence in (PostgresFence, BlockingPostgresFence):
        with pytest.raises(ConfigurationError, match=told):
            fence("", idle_timeout_s=timeout_s)


def test_the_longest_timeout_is_one_that_the_server_takes(prepared: str) -> None:
    BlockingPostgresFence(prepared, idle_timeout_s=2_147_483).raise_to(NEW)


def test_what_opens_connections_may_be_given(prepared: str) -> None:
    """Such as the method of a pool."""
    opened = []

    def connect() -> psycopg.Connection:
        opened.append(psycopg.connect(prepared, autocommit=True))
        return opened[-1]

    fence = BlockingPostgresFence(connect)
    fence.raise_to(NEW)
    with fence.transaction(NEW) as connection:
        connection.execute("INSERT INTO entry VALUES ('done')")
    assert connection is opened[-1]
    assert (len(opened), entries(prepared)) == (2, ["done"])


def test_a_transaction_that_is_open_already_is_not_taken_for_one_of_ours(prepared: str) -> None:
    """A savepoint in it would commit nothing when the block ends."""

    async def scene() -> None:
        async with await psycopg.AsyncConnection.connect(prepared) as used:
            await used.execute("SELECT 1")
            fence = PostgresFence(lambda: nullcontext(used))
            with refused:
                await fence.raise_to(NEW)
            with refused:
                async with fence.transaction(NEW):
                    pass

    refused = pytest.raises(ConfigurationError, match=r"in a transaction already.*fence\.check")
    with psycopg.connect(prepared) as used:
        used.execute("SELECT 1")
        fence = BlockingPostgresFence(lambda: nullcontext(used))
        with refused:
            fence.raise_to(NEW)
        with refused, fence.transaction(NEW):
            pass
    asyncio.run(scene())
    assert highest(prepared) == {}


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
def test_a_higher_isolation_level_checks_but_raises_only_apart(prepared: str, level: IsolationLevel) -> None:
    """A snapshot from before the wait for the older term would not show what that committed last."""

    def connect() -> psycopg.Connection:
        connection = psycopg.connect(prepared)
        connection.isolation_level = level
        return connection

    fence = BlockingPostgresFence(connect)
    refused = pytest.raises(ConfigurationError, match=r"may not raise the fence.*raise_to")
    with refused, fence.transaction(NEW):
        pass
    assert highest(prepared) == {}
    fence.raise_to(NEW)
    with fence.transaction(NEW) as connection:
        found = connection.execute("SHOW transaction_isolation").fetchone()
    assert found == (level.name.lower().replace("_", " "),)
    with pytest.raises(StaleTokenError), fence.transaction(OLD):
        pass


@pytest.mark.parametrize("module", ["postgres", "redis"])
def test_a_missing_library_is_one_clear_line(module: str) -> None:
    library = {"postgres": "psycopg", "redis": "redis"}[module]
    program = (
        "import sys, tenure\n"
        f"assert {library!r} not in sys.modules\n"
        f"sys.modules[{library!r}] = None\n"  # what an import finds where it is not installed
        f"import tenure.fencing.{module}\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: tenure.fencing."), ended.stderr
    assert last.endswith(f"pip install 'tenure[{module}]'")
