"""Outlook: what the sidecar knows of the leadership, decided at the moment of use."""

from __future__ import annotations

import asyncio
import math
from typing import NamedTuple

from tenure.clock import boot_time
from tenure.elector import LeaderElector
from tenure.events import Available, Elected, Event, LeaderChanged, Renewed, Unavailable
from tenure.token import FencingToken

__all__ = ["Outlook", "Standing"]


class Standing(NamedTuple):
    """Who leads at a moment.

    Attributes:
        holder: identity of the leader; empty: nobody; None: unknown.
        is_leader: this very sidecar leads; names are not enough, two processes can share one.
        token: of the leader's term, once it is known.
        valid_until: when this sidecar's term is over unless it is renewed; boot time, seconds; ``-inf`` where
            it does not lead.
        reason: why the leader is unknown.
    """

    holder: str | None
    is_leader: bool = False
    token: FencingToken | None = None
    valid_until: float = -math.inf
    reason: str = ""

    def valid_for_ms(self, now: float) -> int:
        """Return the milliseconds from `now` (boot time, seconds) to the end of the term, rounded down."""
        return max(0, math.floor((self.valid_until - now) * 1000)) if self.is_leader else 0


class Outlook:
    """Collects what an elector tells, and weighs it against the clock whenever somebody asks.

    Args:
        elector: the one candidate of this process; not in use yet.

    Attributes:
        news: is done when who leads has changed; take it before you `look`, and a new one after.
        ended: nothing will change any more.
    """

    def __init__(self, elector: LeaderElector) -> None:
        self._elector = elector
        self._told = LeaderChanged(leader=None, is_self=False, token=None, reason="not campaigning yet")
        self._token: FencingToken | None = None
        self._deadline = -math.inf
        self._trouble = ""
        self.news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended = False
        elector.subscribe(self._take)

    @property
    def election(self) -> str:
        """The election, ``NAMESPACE/NAME``, as a fence knows it."""
        return self._elector.election

    @property
    def identity(self) -> str:
        """The name under which this sidecar campaigns."""
        return self._elector.identity

    async def settle(self) -> None:
        """Let the elector's own timers run first.

        They fire by boot time: after a pause of the process they are due before any answer is given.
        """
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def look(self) -> Standing:
        """Return who leads now. A process that was paused finds out here that its term is over."""
        told = self._told
        if self.ended:
            return Standing(None, reason="this candidate is ending")
        if told.is_self:
            if self._elector.is_leader() and boot_time() < self._deadline:
                return Standing(told.leader, True, self._token, self._deadline)
            return Standing(None, reason="this candidate's own term has run out")
        if told.leader is None:
            trouble = f": {self._trouble}" if self._trouble else ""
            return Standing(None, reason=f"{told.reason}{trouble}")
        return Standing(told.leader, token=told.token)

    def is_stuck(self) -> bool:
        """Tell whether a term is over by a whole lease's margin, and nobody here has noticed."""
        margin_s = self._elector.timing.lease_duration - self._elector.timing.renew_deadline
        return self._told.is_self and boot_time() > self._deadline + margin_s

    def waiting(self, reason: str) -> None:
        """No campaign has begun, for this reason."""
        self._told = LeaderChanged(leader=None, is_self=False, token=None, reason=reason)
        self._wake()

    def end(self) -> None:
        """The sidecar ends: nothing is known from here on, and every stream is to end."""
        self.ended = True
        self._wake()

    def _take(self, event: Event) -> None:
        match event:
            case Elected():
                self._token, self._deadline = event.token, event.deadline
            case Renewed():
                self._deadline = event.deadline
            case Unavailable():
                self._trouble = event.message
            case Available():
                self._trouble = ""
            case LeaderChanged():
                self._told = event
                self._wake()

    def _wake(self) -> None:
        news, self.news = self.news, asyncio.get_running_loop().create_future()
        news.set_result(None)
