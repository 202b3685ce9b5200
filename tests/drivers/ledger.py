"""Ledger: a table that leaders write to, with a fence in the same database; or without, to see the damage."""

from __future__ import annotations

import sqlite3
import threading
from typing import NamedTuple

from tenure import FencingToken, StaleTokenError
from tenure.term import AnyTerm

__all__ = ["Attempt", "Ledger"]


class Attempt(NamedTuple):
    """One write as the table saw it.

    Attributes:
        late: a later term had begun there.
        valid: the term was, at that moment.
    """

    writer: str
    token: int
    late: bool
    valid: bool
    accepted: bool


class Ledger:
    """Rows in SQLite; each transaction raises the fence first, as rule 10 wants it.

    Attributes:
        attempts: all writes that were tried, in the order in which the table saw them.
        found: by token, the rows that a term found when it began.
    """

    def __init__(self, *, fenced: bool) -> None:
        self.attempts: list[Attempt] = []
        self.found: dict[int, list[str]] = {}
        self._fenced = fenced
        self._one_at_a_time = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.execute("CREATE TABLE fence (token INTEGER)")
        self._db.execute("INSERT INTO fence VALUES (0)")
        self._db.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, writer TEXT)")

    def begin(self, token: FencingToken) -> None:
        """A term begins: raise the fence, then read."""
        with self._one_at_a_time, self._db:
            self._raise_to(token)
            self.found[int(token)] = self._rows()

    def write(self, writer: str, term: AnyTerm) -> bool:
        """Add a row, if the fence lets it through, whether `term` is over or not; return whether it did."""
        with self._one_at_a_time:
            try:
                with self._db:
                    self._raise_to(term.token)
                    self._db.execute("INSERT INTO ledger (writer) VALUES (?)", (writer,))
                accepted = True
            except StaleTokenError:
                accepted = False
            token = int(term.token)
            attempt = Attempt(writer, token, token < max(self.found), term.is_valid(), accepted)
            self.attempts.append(attempt)
            return accepted

    def rows(self) -> list[str]:
        """Return who wrote each row."""
        with self._one_at_a_time:
            return self._rows()

    def late(self) -> list[Attempt]:
        """Return the writes for a term after which another had begun."""
        return [attempt for attempt in self.attempts if attempt.late]

    def close(self) -> None:
        """Free it."""
        self._db.close()

    def _rows(self) -> list[str]:
        return [writer for (writer,) in self._db.execute("SELECT writer FROM ledger ORDER BY id")]

    def _raise_to(self, token: FencingToken) -> None:
        raised = self._db.execute("UPDATE fence SET token = ? WHERE token <= ?", (int(token), int(token)))
        if self._fenced and not raised.rowcount:
            raise StaleTokenError(f"the ledger has seen a higher token than {token}")
