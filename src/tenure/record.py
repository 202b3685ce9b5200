"""Record: what a lock stores, and one observation of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from tenure.token import FencingToken

__all__ = ["Attempt", "Contender", "Record", "UnreadableRecord", "Versioned"]


class Attempt(NamedTuple):
    """Names one write among all that were ever tried (DESIGN rule 7: every attempt changes the object).

    Attributes:
        incarnation: 128 random bits in hex, made when a campaign starts.
        number: counts the writes of this incarnation, from 1.
    """

    incarnation: str
    number: int

    def __str__(self) -> str:
        return f"{self.incarnation}/{self.number}"

    @classmethod
    def parse(cls, text: str) -> Attempt:
        """Read ``incarnation/number``.

        Raises:
            ValueError: the text has another form.
        """
        incarnation, slash, number = text.rpartition("/")
        if not (incarnation and slash and number.isascii() and number.isdigit()):
            raise ValueError(f"not an attempt: {text!r} (expected INCARNATION/NUMBER)")
        return cls(incarnation, int(number))


class Contender(NamedTuple):
    """A candidate that has made itself known in the record of the leader.

    Attributes:
        identity: its name.
        priority: among contenders for a free record the higher one goes first.
        preempt: it asks a leader of lower priority to hand over.
    """

    identity: str
    priority: int
    preempt: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """The election's record, in the terms of client-go, whatever lock it lives in.

    Attributes:
        holder: identity of the leader; empty: free.
        lease_duration: seconds, exact where the attempt's annotations tell it, else the integer field;
            ``inf``: never expires; None: the record has none (or 0), a contender uses its own.
        transitions: how often the holder changed, as client-go counts. Restarts after deletion: no token.
        acquire_time: wall clock of the holder, for people to read. Never compared with a local clock.
        renew_time: likewise. A lock fills it in when it writes, strictly rising within an incarnation.
        attempt: the write that made this record. None: whoever wrote it leaves no attempt (client-go, a
            person), or wrote over ours and kept our annotations.
        token: fencing token of the term, once its holder published it.
        request: whom the holder is asked to hand over to, empty: to anybody; None: nobody asks. Like the
            next two it counts only together with the attempt that it names.
        hint: in a record that its holder has freed: who is to take it first.
        contenders: candidates with a priority that have made themselves known to the holder.
    """

    holder: str
    lease_duration: float | None = None
    transitions: int = 0
    acquire_time: datetime | None = None
    renew_time: datetime | None = None
    attempt: Attempt | None = None
    token: FencingToken | None = None
    request: str | None = None
    hint: str = ""
    contenders: tuple[Contender, ...] = ()


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A record that exists but cannot be decoded: held, never free (DESIGN rule 2).

    Attributes:
        reason: the fault and the remedy, in one line.
        refused: somebody else elects there by other rules (a Lease with ``spec.strategy``); nothing that
            this candidate could wait for.
    """

    reason: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Versioned:
    """One observation of a lock: the record at a version, or its absence.

    Attributes:
        record: what was stored; None: the object does not exist (or was deleted at ``version``).
        version: ``resourceVersion`` as an integer; 0 where an absence has none (a 404).
        uid: of the object; changes when it is deleted and created again.
        raw: the object itself, which ``replace`` sends back with only the record's fields changed.
        token_version: the version that a fencing token is made of, where it is not `version`: a `MultiLock`
            orders by both of its locks, and counts tokens by the one that is migrated to.
    """

    record: Record | UnreadableRecord | None
    version: int
    uid: str = ""
    raw: Any = None
    token_version: int | None = None

    @property
    def is_free(self) -> bool:
        """Whether there is a record, and it names nobody."""
        return isinstance(self.record, Record) and not self.record.holder
