"""SqliteFence: a fence in a file, shared by the processes of a machine, that requests hold while they last.

Whoever handles a request checks first and acts later, and may act after the first request of the next term
has come and gone. So a request *holds* the fence while it is handled, and a raise waits until nobody does.
Both are SQLite's own locks in its rollback journal mode: a request is an open read transaction, a raise is a
commit, which waits for the readers there are and lets no new ones in. The kernel frees the locks of a process
that dies. (In WAL mode readers and writers pass each other, so it is refused.)
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

from tenure.clock import boot_time
from tenure.errors import ConfigurationError, FenceBusyError
from tenure.fencing.fence import demand_election, stale
from tenure.token import FencingToken

__all__ = ["BlockingSqliteFence", "SqliteFence"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS fence (
    id INTEGER PRIMARY KEY CHECK (id = 1), election TEXT NOT NULL, token TEXT NOT NULL
)
"""
_POLL_S = 0.005
_OPEN_TIMEOUT_S = 30.0  # a worker that starts may meet a raise that waits


class _File:
    """The file of a fence, made by whoever comes first; it is left closed, so that it can be forked."""

    def __init__(self, path: str | Path, *, patience: float = 10.0) -> None:
        self.path = Path(path)
        self.patience = patience
        try:
            with closing(sqlite3.connect(self.path, timeout=_OPEN_TIMEOUT_S)) as db:
                (mode,) = db.execute("PRAGMA journal_mode = DELETE").fetchone()
                db.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"fence {self.path}: {error}: it needs a writable file of its own"
            ) from error
        if mode != "delete":
            raise ConfigurationError(
                f"fence {self.path}: its journal mode is {mode}: give it a file of its own"
            )


class _Visit:
    """One request on its way through the fence, with a connection of its own, whose locks are its locks."""

    def __init__(self, file: _File, token: FencingToken) -> None:
        demand_election(token)
        self._file = file
        self._token = token
        self._deadline = boot_time() + file.patience
        self._is_committing = False
        # An event loop's callbacks, or the threads of a server, take turns with it.
        self._db = sqlite3.connect(file.path, timeout=0, isolation_level=None, check_same_thread=False)

    def advance(self) -> bool:
        """Go one step; return whether the fence stands at the token and is held. If not, call again.

        Raises:
            StaleTokenError: it has seen a higher token.
            FenceBusyError: others were in the way for all of the patience.
        """
        try:
            if self._is_committing or self._must_raise():
                self._is_committing = True
                # Where readers are in the way, this keeps new ones out from now on.
                self._db.execute("COMMIT")
                self._is_committing = False
                return False
            return True
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        if not self._is_committing:
            self._leave()
        if boot_time() >= self._deadline:
            raise FenceBusyError(
                f"fence {self._file.path.name}: requests of an earlier term are still being handled after "
                f"{self._file.patience:g} s; nothing was changed"
            )
        return False

    def close(self) -> None:
        """Hold the fence no longer; a raise that was not committed did not happen."""
        self._db.close()

    def _must_raise(self) -> bool:
        """Begin to hold the fence, or begin the raise, and tell which."""
        self._db.execute("BEGIN")
        if self._stands():
            return False
        # A read transaction is given up first: two that wanted to become writers would wait for each other.
        self._leave()
        self._db.execute("BEGIN IMMEDIATE")
        if self._stands():  # raised by another request of this term, a moment ago
            self._leave()
            return self._must_raise()
        self._db.execute(
            "INSERT OR REPLACE INTO fence VALUES (1, ?, ?)", (self._token.election, str(self._token))
        )
        return True

    def _stands(self) -> bool:
        row = self._db.execute("SELECT token, election FROM fence").fetchone()
        if row is None:
            return False
        highest = FencingToken.parse(*row)
        if self._token < highest:
            raise stale(f"fence {self._file.path.name}", int(highest), self._token)
        return self._token == highest

    def _leave(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


class SqliteFence:
    """A fence for asyncio. It may be made before a fork, and shared by threads and event loops.

    Its calls touch the disk, once per term for a few milliseconds, and else the kernel's cache.

    Args:
        path: of a file of its own, on a local disk that outlives the process; made if there is none.
        patience: seconds for which a raise, and the requests that come after it, wait for others.

    Raises:
        ConfigurationError: the file cannot be used.
    """

    def __init__(self, path: str | Path, *, patience: float = 10.0) -> None:
        self._file = _File(path, patience=patience)

    async def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token`, or refuse it; see `tenure.fencing.fence.Fence`.

        Raises:
            FenceBusyError: requests of an earlier term are still being handled.
            ConfigurationError: the token names no election.
        """
        async with self.holding(token):
            pass

    @asynccontextmanager
    async def holding(self, token: FencingToken) -> AsyncIterator[None]:
        """Raise the fence to `token`, and let nobody raise it further before the block has ended.

        Raises:
            StaleTokenError: it has seen a higher token.
            FenceBusyError: requests of an earlier term are still being handled.
        """
        with closing(_Visit(self._file, token)) as visit:
            while not visit.advance():  # noqa: ASYNC110  (a lock of another process has no event)
                await asyncio.sleep(_POLL_S)
            yield


class BlockingSqliteFence:
    """The same for threads; both may share a file."""

    def __init__(self, path: str | Path, *, patience: float = 10.0) -> None:
        self._file = _File(path, patience=patience)

    def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token`, or refuse it; see `SqliteFence.raise_to`."""
        with self.holding(token):
            pass

    @contextmanager
    def holding(self, token: FencingToken) -> Iterator[None]:
        """Raise the fence to `token` and hold it; see `SqliteFence.holding`."""
        with closing(_Visit(self._file, token)) as visit:
            while not visit.advance():
                time.sleep(_POLL_S)
            yield
