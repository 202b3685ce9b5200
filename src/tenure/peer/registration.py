"""Registration: the one write of a new leader to the API, whose version is its fencing token.

Pure. Peers alone decide who leads; the API gives the order of the terms, which survives restarts of all
peers. Whoever has got the lease writes its name into one object, by compare-and-swap, and leads only if that
succeeds while the lease is valid. Every write is named by an attempt, so that one whose answer was lost is
recognised by reading (rule 7).
"""

from __future__ import annotations

import math
from typing import Literal

from tenure.pace import Pace
from tenure.record import Attempt, Record, UnreadableRecord, Versioned
from tenure.requests import Purpose, ReadRequest, Request, WriteRequest, record_to_write
from tenure.timing import Timing

__all__ = ["OnOutage", "Registration"]

OnOutage = Literal["wait", "elect"]
"""What whoever has won does where the API does not answer: let others try, or lead without a token."""


class Registration:
    """What one candidate has written, and is about to.

    Args:
        identity: the name to write.
        incarnation: of its process.
        timing: the durations.

    Attributes:
        registered: the record as it stands since this candidate's write; None: it does not.
        trouble: what a person should know; empty: nothing.
    """

    def __init__(self, identity: str, incarnation: bytes, timing: Timing) -> None:
        self._identity = identity
        self._incarnation = incarnation.hex()
        self._timeout = timing.renew_deadline
        self._pace = Pace(timing.retry_period)
        self._number = 0
        self._attempts: set[Attempt] = set()  # of the present term
        self._base: Versioned | None = None  # as just read; None: it has to be read
        self._written_over = 0  # the version that the last write was based on
        self._refused = False  # in vain, as its conflict has told
        self._under_way: Request | None = None
        # One read at the start tells what is wrong before it matters.
        self._wanted = True
        self._writes = False
        self.registered: Versioned | None = None
        self.trouble = ""

    def begin(self, timeout: float) -> None:
        """The lease was won: write the name, with `timeout` seconds for each request."""
        self._timeout = timeout
        self._attempts.clear()
        self._base = self.registered = None
        self._refused = False
        self._wanted = self._writes = True

    def cancel(self) -> None:
        """The lease is lost, or given up."""
        self._wanted = self._writes = False
        self.registered = None

    def request(self, now: float) -> Request | None:
        """Return what is to be sent now; None: nothing."""
        if self._under_way is not None or now < self.request_at:
            return None
        self._pace.sent(now)
        base = self._base
        if base is None:
            self._under_way = ReadRequest(knowing=0, timeout=self._timeout)
            return self._under_way
        self._written_over, self._refused = base.version, False
        self._number += 1
        attempt = Attempt(self._incarnation, self._number)
        self._attempts.add(attempt)
        replaced = base if base.record is not None else None
        record = record_to_write(Purpose.ACQUIRE, replaced, attempt, self._identity, math.inf, None)
        self._under_way = WriteRequest(
            purpose=Purpose.ACQUIRE, base=replaced, record=record, attempt=attempt, timeout=self._timeout
        )
        return self._under_way

    @property
    def request_at(self) -> float:
        """When the next request is due; boot time, seconds; ``inf``: none is."""
        if not self._wanted or self._under_way is not None:
            return math.inf
        return self._pace.not_before

    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None:
        """Take in what was read, or what a write has stored."""
        self._under_way = None
        self._pace.succeeded()
        self.trouble = ""
        if isinstance(seen.record, UnreadableRecord):
            self.trouble = seen.record.reason
            self._wanted = self._writes
            self._pace.failed(now)
        elif self._is_own(seen):
            self.registered, self._wanted = seen, False
        elif isinstance(request, ReadRequest):
            self._base, self._wanted = seen, self._writes
            if self._refused and seen.version == self._written_over:
                # A conflict, and yet nobody wrote: the next write will hardly fare better at once.
                self._pace.failed(now)
        else:
            self._base = None  # the answer to a write of an earlier term, or nothing was changed

    def receive_conflict(self) -> None:
        """Somebody else has written meanwhile."""
        self._under_way = self._base = None
        self._refused = True
        self._pace.succeeded()

    def receive_failure(self, now: float, *, wait_s: float) -> None:
        """No usable answer came; a write may have been applied, or may yet be: read.

        Args:
            now: boot time, seconds.
            wait_s: seconds for which nothing more is to be sent.
        """
        self._under_way = self._base = None
        self._wanted = self._writes
        self._pace.failed(now, wait_s=wait_s)

    def _is_own(self, seen: Versioned) -> bool:
        """Tell whether a write of this term has made this record, and so its version a token (rules 7, 9)."""
        attempt = seen.record.attempt if isinstance(seen.record, Record) else None
        return self._writes and attempt in self._attempts and seen.version > self._written_over
