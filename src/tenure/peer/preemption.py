"""Preemption: a candidate with a higher priority asks the leader to hand over, and the leader does.

Pure, and without a say in who may lead: all that comes of it is that a term is given up in order (rule 6).
"""

from __future__ import annotations

import math

from tenure.handover import Preference
from tenure.peer.hearsay import Hearsay
from tenure.peer.membership import Membership

__all__ = ["Preemption"]

_PERIODS_UNTIL_OLD = 2  # who still wants it has asked again by then


class Preemption:
    """Both sides of it: what one candidate asks of a leader, and what it is asked when it leads.

    Args:
        preference: its own wishes.
        period: seconds from one request to the next.
    """

    def __init__(self, preference: Preference, period: float) -> None:
        self._preference = preference
        self._period = period
        self._ask_at = -math.inf
        self._due_at = math.inf  # a term lasts at least until then, against flapping
        self._asked_at: dict[str, float] = {}  # when others last did; boot time, seconds

    def whom_to_ask(self, hearsay: Hearsay, now: float) -> str:
        """Return the leader, if it is time that this candidate asks it; empty: nobody is to be asked."""
        own = self._preference
        if not (own.preempt and hearsay.leader and hearsay.priority < own.priority and now >= self._ask_at):
            return ""
        self._ask_at = now + self._period
        return hearsay.leader

    def begin(self, now: float) -> None:
        """A term of this candidate begins."""
        self._due_at = now + self._preference.minimum_tenure
        self._asked_at = {}

    def hear(self, name: str, now: float) -> None:
        """Somebody asks this leader to hand over."""
        self._asked_at[name] = now

    def heir(self, membership: Membership, now: float) -> str:
        """Return who is to take over: the heaviest of those that ask; empty: nobody yet."""
        if now < self._due_at:
            return ""
        oldest = now - _PERIODS_UNTIL_OLD * self._period
        asking = [
            (-each.priority, each.name)
            for each in membership.alive()
            if each.eligible
            and each.priority > self._preference.priority
            and self._asked_at.get(each.name, -math.inf) >= oldest
        ]
        return min(asking)[1] if asking else ""
