"""Bulletin: what a candidate tells people: who leads as it knows it, and what is wrong, each once per change.

Pure. The events of its core pass through here as well, so that all come out in one order.
"""

from __future__ import annotations

import math
from collections import deque

from tenure.events import Event, LeaderChanged, RecordTrouble
from tenure.knowledge import News
from tenure.record import Versioned
from tenure.token import FencingToken
from tenure.view import View, trouble_with, view_of

__all__ = ["Bulletin"]


class Bulletin:
    """The events of one candidate, and what it has told so far.

    Args:
        identity: of the candidate.
        election: that it campaigns in, ``NAMESPACE/NAME``.
        lease_duration: its own, in seconds.

    Attributes:
        ends_at: when what was told of another leader runs out; boot time, seconds.
    """

    def __init__(self, identity: str, election: str, lease_duration: float) -> None:
        self._identity = identity
        self._election = election
        self._lease_duration = lease_duration
        self._events: deque[Event] = deque()
        self._view: View | None = None
        self._trouble = ""
        self.ends_at = math.inf

    def tell(self, event: Event) -> None:
        """Something has happened."""
        self._events.append(event)

    def say(self, message: str) -> None:
        """Something about the record that a person should know."""
        self._events.append(RecordTrouble(message=message))

    def next_event(self) -> Event | None:
        """Return the next event, oldest first; None: there is none."""
        return self._events.popleft() if self._events else None

    def report(self, news: News, newest: Versioned | None, *, is_own: bool) -> None:
        """Say what is wrong with the newest record, if that has changed; `is_own`: this candidate made it."""
        trouble = "the store's history went back (was it restored?): waiting for a whole lease"
        if news is not News.RESET:
            known = None if is_own else newest
            trouble = trouble_with(known, own_name=self._identity, own_lease=self._lease_duration)
        if news is not News.SAME and trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                self.say(trouble)

    def show(
        self,
        own_token: FencingToken | None,
        newest: Versioned | None,
        stale_at: float,
        now: float,
        *,
        is_own: bool,
    ) -> None:
        """Tell who leads, if that has changed.

        Args:
            own_token: of this candidate's term; None: it does not lead.
            newest: the newest fact known about the record.
            stale_at: when that runs out; boot time, seconds.
            now: boot time, seconds.
            is_own: this candidate made it.
        """
        if own_token is not None:
            view = View(self._identity, is_self=True, token=own_token)
        elif is_own:
            view = View(None, reason="this candidate holds the record without a valid term")
        else:
            view = view_of(newest, stale_at, now, election=self._election, own_name=self._identity)
        self.ends_at = stale_at if view.leader and own_token is None else math.inf
        if view != self._view:
            self._view = view
            self.tell(LeaderChanged(**view._asdict()))
