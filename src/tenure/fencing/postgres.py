"""Fences in PostgreSQL: the token is checked and raised in the transaction of the statements that it guards.

Transactions of one term share the fence and run side by side. The first one of a new term waits until those
of the older term have ended, and from then on that term is refused: no commit of it can follow.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from tenure.errors import ConfigurationError
from tenure.fencing.fence import demand_election, stale
from tenure.token import FencingToken

try:
    import psycopg
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "tenure.fencing.postgres needs psycopg 3: pip install 'tenure[postgres]'"
    ) from error
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection as SqlConnection
    from sqlalchemy.ext.asyncio import AsyncConnection as AsyncSqlConnection
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

__all__ = ["CREATE_TABLE", "BlockingPostgresFence", "PostgresFence"]

CREATE_TABLE = """\
CREATE TABLE IF NOT EXISTS tenure_fence (
    election text PRIMARY KEY,
    token numeric NOT NULL
)"""
"""The table of all fences of a database, for a migration; users need SELECT, INSERT and UPDATE on it."""

AnyConnection: TypeAlias = "psycopg.Connection[Any] | SqlConnection | Session"
AnyAsyncConnection: TypeAlias = "psycopg.AsyncConnection[Any] | AsyncSqlConnection | AsyncSession"
Connect: TypeAlias = Callable[[], AbstractContextManager[AnyConnection]]
AsyncConnect: TypeAlias = Callable[[], AbstractAsyncContextManager[AnyAsyncConnection]]
ConnectionT = TypeVar("ConnectionT", psycopg.Connection[Any], psycopg.AsyncConnection[Any])

# PostgreSQL lets those who share a row pass by one who waits to change it, so an old leader that is busy
# could keep a new one out for ever. An advisory lock has a fair queue. The row lock stays what protects: it
# holds at every isolation level, and against whoever changes the row by hand.
_GATE = "hashtextextended('tenure_fence ' || %(election)s::text, 0)"
_BOUND_IDLING = "set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, true)"

# No row where the token has to be raised, and then nothing is locked: two transactions that both share the
# fence and both want to raise it would block each other. After a wait the row's newest version is looked at.
_SHARE = f"""\
SELECT token, pg_advisory_xact_lock_shared({_GATE}), {_BOUND_IDLING}
FROM tenure_fence WHERE election = %(election)s AND token >= %(token)s::numeric
FOR SHARE""".encode()

_RAISE = f"""\
WITH gate AS MATERIALIZED (SELECT pg_advisory_xact_lock({_GATE}), {_BOUND_IDLING})
INSERT INTO tenure_fence (election, token) SELECT %(election)s, %(token)s::numeric FROM gate
ON CONFLICT (election) DO UPDATE SET token = EXCLUDED.token WHERE tenure_fence.token <= EXCLUDED.token
RETURNING current_setting('transaction_isolation')""".encode()

_HIGHEST = b"SELECT token FROM tenure_fence WHERE election = %(election)s"

# A raise that waits must see, once it has the lock, what was committed meanwhile.
_READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"

_LONGEST_IDLE_TIMEOUT_S = 2_147_483  # the server counts milliseconds in 31 bits

_NO_TABLE = (
    "the database has no table tenure_fence: execute tenure.fencing.postgres.CREATE_TABLE in a migration"
)

_Query: TypeAlias = tuple[bytes, dict[str, str]]
_Steps: TypeAlias = Generator[_Query, tuple[Any, ...] | None, None]


class PostgresFence:
    """A fence per election in the table `tenure_fence` (`CREATE_TABLE`), for asyncio.

    Args:
        connect: a conninfo string (a connection for each use), or what opens a connection as an asynchronous
            context manager: the ``connection`` of a psycopg pool, the ``connect`` of an SQLAlchemy engine.
        idle_timeout_s: how long a guarded transaction may idle between two statements, until the server ends
            its session. A leader that was frozen in one keeps the next from raising the fence for so long.

    Raises:
        ConfigurationError: the timeout is not positive, or longer than the server can count (24 days).
    """

    def __init__(self, connect: str | AsyncConnect, *, idle_timeout_s: float = 10.0) -> None:
        self._connect = connect
        self._idle_timeout = _milliseconds(idle_timeout_s)

    async def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token` in a transaction of its own; see `tenure.fencing.fence.Fence`.

        Waits until guarded transactions of older terms have ended.

        Raises:
            StaleTokenError: it has seen a higher token. An equal one passes.
            ConfigurationError: the table is missing, the token names no election, or the connection is in a
                transaction already.
            psycopg.Error: the database failed; it may be repeated.
        """
        async with self._open() as connection, connection.transaction():
            await connection.execute(_READ_COMMITTED)
            await self.check(connection, token)

    @asynccontextmanager
    async def transaction(self, token: FencingToken) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Open a connection and, in it, a transaction that `token` guards; it commits when the block ends.

        Raises:
            as `check`; a `ConfigurationError` also where the connection is in a transaction already.
        """
        async with self._open() as connection, connection.transaction():
            await self.check(connection, token)
            yield connection

    async def check(self, connection: AnyAsyncConnection, token: FencingToken) -> None:
        """Guard the open transaction of a connection: its first statement, before any savepoint.

        Args:
            connection: of psycopg, or an SQLAlchemy connection or session that uses psycopg.
            token: of the term that writes.

        Raises:
            StaleTokenError: a later term has begun; roll back.
            ConfigurationError: no transaction is open and none begins by itself, the table is missing, the
                token names no election, or the fence has yet to be raised and the isolation level is higher
                than READ COMMITTED.
            psycopg.errors.SerializationFailure: at those levels, as always: repeat the transaction.
        """
        driver = await _async_driver_of(connection)
        _demand_transaction(driver)
        steps = _entering(token, self._idle_timeout)
        query = _next(steps)
        try:
            async with psycopg.AsyncCursor(driver, row_factory=tuple_row) as cursor:
                while query:
                    await cursor.execute(*query)
                    query = _next(steps, await cursor.fetchone())
        except psycopg.errors.UndefinedTable as error:
            raise ConfigurationError(_NO_TABLE) from error

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        if isinstance(self._connect, str):
            async with await psycopg.AsyncConnection.connect(self._connect) as connection:
                yield connection
        else:
            async with self._connect() as opened:
                yield _demand_idle(await _async_driver_of(opened))


class BlockingPostgresFence:
    """`PostgresFence` for threads: the same methods without ``async``.

    Args:
        connect: as there, but an ordinary context manager.
        idle_timeout_s: as there.
    """

    def __init__(self, connect: str | Connect, *, idle_timeout_s: float = 10.0) -> None:
        self._connect = connect
        self._idle_timeout = _milliseconds(idle_timeout_s)

    def raise_to(self, token: FencingToken) -> None:
        with self._open() as connection, connection.transaction():
            connection.execute(_READ_COMMITTED)
            self.check(connection, token)

    @contextmanager
    def transaction(self, token: FencingToken) -> Iterator[psycopg.Connection[Any]]:
        with self._open() as connection, connection.transaction():
            self.check(connection, token)
            yield connection

    def check(self, connection: AnyConnection, token: FencingToken) -> None:
        driver = _driver_of(connection)
        _demand_transaction(driver)
        steps = _entering(token, self._idle_timeout)
        query = _next(steps)
        try:
            with psycopg.Cursor(driver, row_factory=tuple_row) as cursor:
                while query:
                    cursor.execute(*query)
                    query = _next(steps, cursor.fetchone())
        except psycopg.errors.UndefinedTable as error:
            raise ConfigurationError(_NO_TABLE) from error

    @contextmanager
    def _open(self) -> Iterator[psycopg.Connection[Any]]:
        if isinstance(self._connect, str):
            with psycopg.connect(self._connect) as connection:
                yield connection
        else:
            with self._connect() as opened:
                yield _demand_idle(_driver_of(opened))


def _entering(token: FencingToken, idle_timeout: str) -> _Steps:
    """Yield the statements that check `token` or raise the fence to it; the first row of each is sent in."""
    demand_election(token)
    given = {"election": token.election, "token": str(token), "idle_timeout": idle_timeout}
    shared = yield _SHARE, given
    if shared is None:
        raised = yield _RAISE, given
        if raised is not None:
            _demand_read_committed(raised[0])
            return
        shared = yield _HIGHEST, given
        assert shared is not None, "a raise that is refused has locked the row"
    highest = int(shared[0])
    if highest > int(token):
        raise stale("table tenure_fence", highest, token)


def _next(steps: _Steps, row: tuple[Any, ...] | None = None) -> _Query | None:
    try:
        return steps.send(row)
    except StopIteration:
        return None


def _demand_read_committed(isolation: str) -> None:
    if isolation not in ("read committed", "read uncommitted"):
        raise ConfigurationError(
            f"a transaction at {isolation.upper()} may not raise the fence, since its snapshot can be older "
            "than the last commit of the older term: call raise_to(token) before the term's first transaction"
        )


def _demand_transaction(driver: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    if driver.autocommit and driver.info.transaction_status == TransactionStatus.IDLE:
        raise ConfigurationError(
            "in autocommit mode and outside of a transaction the check would guard nothing: "
            "use fence.transaction(token), or open connection.transaction() first"
        )


def _demand_idle(driver: ConnectionT) -> ConnectionT:
    """Return a connection on which a transaction would be one, and no savepoint that commits nothing."""
    if driver.info.transaction_status == TransactionStatus.INTRANS:
        raise ConfigurationError(
            "the connection is in a transaction already, which would have to be committed by somebody else: "
            "guard that one with fence.check(connection, token), or let `connect` open another connection"
        )
    return driver


def _driver_of(given: Any) -> psycopg.Connection[Any]:
    """Return psycopg's connection, out of one of SQLAlchemy, which shares its transaction."""
    if isinstance(given, psycopg.Connection):
        return given
    connection = given.connection() if hasattr(given, "get_bind") else given  # out of a session
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise _other_driver(driver)
    return driver


async def _async_driver_of(given: Any) -> psycopg.AsyncConnection[Any]:
    if isinstance(given, psycopg.AsyncConnection):
        return given
    connection = given if hasattr(given, "get_raw_connection") else await given.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise _other_driver(driver)
    return driver


def _other_driver(driver: object) -> ConfigurationError:
    return ConfigurationError(
        f"the fence needs a connection of psycopg 3, not of {type(driver).__module__}: "
        "create the engine with postgresql+psycopg://"
    )


def _milliseconds(idle_timeout_s: float) -> str:
    if not 0 < idle_timeout_s <= _LONGEST_IDLE_TIMEOUT_S:
        raise ConfigurationError(
            f"idle_timeout_s={idle_timeout_s:g}: it must be positive, and at most {_LONGEST_IDLE_TIMEOUT_S}: "
            "a leader that is frozen in a transaction keeps the next one out for so long"
        )
    return f"{max(1, round(idle_timeout_s * 1000))}ms"
