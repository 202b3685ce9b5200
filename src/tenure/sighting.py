"""Sighting: what somebody knows who only watches; a pure core that never writes."""

from __future__ import annotations

import math
from collections import deque

from tenure.events import Event, LeaderChanged, RecordTrouble
from tenure.knowledge import Knowledge, News
from tenure.record import UnreadableRecord, Versioned
from tenure.requests import NoteRequest, ReadRequest, Request, WriteRequest
from tenure.timing import Timing
from tenure.view import View, view_of

__all__ = ["Sighting"]

_PACE_S = 0.55


class Sighting:
    """The observer's core: the same shape as `tenure.election.Election`, without a candidate in it.

    Args:
        timing: its durations.
        election: that it watches, ``NAMESPACE/NAME``.
    """

    def __init__(self, timing: Timing, election: str = "") -> None:
        self._timing = timing
        self._election = election
        self._knowledge = Knowledge(timing)
        self._events: deque[Event] = deque()
        self._view: View | None = None
        self._read_at = -math.inf
        self._sent_at = -math.inf
        self._under_way = False
        self._checked_stale_at = -math.inf

    @property
    def newest(self) -> Versioned | None:
        """The newest fact known about the record."""
        return self._knowledge.newest

    def receive_record(self, seen: Versioned, now: float) -> None:
        """Take in what a watch delivered."""
        self._observe(seen, now, None)

    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None:
        """Take in what was read."""
        self._under_way = False
        self._read_at = math.inf
        self._observe(seen, now, request.knowing if isinstance(request, ReadRequest) else None)

    def receive_conflict(self, request: WriteRequest | NoteRequest, now: float) -> None:
        """Never happens: an observer does not write."""
        raise RuntimeError(f"an observer does not write: {request}")

    def receive_failure(
        self, request: Request, now: float, *, retry_after_s: float = 0.0, refused: bool = False
    ) -> None:
        """No usable answer came: read again, at most twice a second."""
        self._under_way = False
        self._read_at = max(self._sent_at + _PACE_S, now + min(retry_after_s, self._timing.lease_duration))
        self._look(now)

    def refresh(self, now: float) -> None:
        """A read is wanted: the watch is over or broken, or there is none."""
        self._read_at = now

    def fail(self, now: float) -> None:
        """Everything is over; what was known is not known any more."""
        self._show(View(None, reason="the observer failed"))

    def requests_to_send(self, now: float) -> list[Request]:
        """Return the read that is wanted now, if one is."""
        self._look(now)
        if self._under_way or now < self._read_at:
            return []
        self._under_way, self._sent_at = True, now
        return [ReadRequest(knowing=self._knowledge.high_water, timeout=self._timing.renew_deadline)]

    def get_timer(self) -> float | None:
        """Return when `requests_to_send` is to be called next; boot time, seconds."""
        times = [math.inf if self._under_way else self._read_at]
        if self._view is not None and self._view.leader:
            times.append(self._knowledge.stale_at)
        soonest = min(times)
        return None if soonest == math.inf else soonest

    def next_event(self) -> Event | None:
        """Return the next event, oldest first; None: there is none."""
        return self._events.popleft() if self._events else None

    def _observe(self, seen: Versioned, now: float, asked_knowing: int | None) -> None:
        news = self._knowledge.observe(seen, now, asked_knowing=asked_knowing)
        if news is News.CHANGED and isinstance(seen.record, UnreadableRecord):
            self._events.append(RecordTrouble(message=seen.record.reason))
        self._look(now)

    def _look(self, now: float) -> None:
        known = self._knowledge
        self._show(view_of(known.newest, known.stale_at, now, election=self._election))
        stale_at = self._knowledge.stale_at
        if self._knowledge.newest is not None and self._checked_stale_at < stale_at <= now:
            # The watch may be silent because it is half open: one read tells.
            self._checked_stale_at = stale_at
            self._read_at = min(self._read_at, now)

    def _show(self, view: View) -> None:
        if view != self._view:
            self._view = view
            self._events.append(LeaderChanged(**view._asdict()))
