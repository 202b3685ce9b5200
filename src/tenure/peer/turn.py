"""Turn: when a candidate tries to get the lease; whoever has the better claim goes first.

Pure, and without a say in who may lead: all that comes of it is a later try. The heaviest of those that are
alive goes first, ties by name; each of the others a head start later, since the first may be gone as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tenure.handover import Preference
from tenure.peer.hearsay import Hearsay
from tenure.peer.membership import Membership
from tenure.timing import Timing

__all__ = ["Turn"]

_LONGEST_QUEUE = 3  # head starts that a candidate grants to those before it
_JITTER = 0.005  # of the lease: two that take each other for dead do not collide for long
_BACK_OFF = 0.05  # of the lease, at most: from a try that failed to the next
# Of D, for which a term is valid from the beginning of its try: how long a try may take.
_FIRST_PATIENCE = 0.15
_LEASES_UNTIL_COMPLAINT = 2
_LONGEST_PATIENCE = 0.45


class Turn:
    """The order of candidates as one of them sees it, and its own tries.

    Args:
        name: of this candidate.
        timing: its durations.
        preference: its own wishes.
        draw: returns a random number from 0 to 1.

    Attributes:
        retry_at: after a try that failed, the next one begins no sooner; boot time, seconds.
        patience_s: seconds that a try may take.
    """

    def __init__(self, name: str, timing: Timing, preference: Preference, draw: Callable[[], float]) -> None:
        self._name = name
        self._timing = timing
        self._preference = preference
        self._draw = draw
        self._unanswered_since = self._unanswered_at = -math.inf
        self._has_complained = False
        self._short = ""
        self.succeeded()

    def starts_at(self, hearsay: Hearsay, membership: Membership) -> float:
        """Return when this candidate tries; boot time, seconds."""
        is_heir = hearsay.leader == "" and hearsay.heir == self._name
        if hearsay.leader or is_heir:  # (whose turn it will be after a leader, is seen then)
            return max(hearsay.free_at, self.retry_at)
        queue = self._queue(hearsay, membership)
        return max(hearsay.free_at + queue * self._timing.head_start + self._jitter_s, self.retry_at)

    def succeeded(self) -> None:
        """A try has got a majority: nothing of those before is remembered."""
        self.patience_s = _FIRST_PATIENCE * self._timing.renew_deadline
        self.retry_at = -math.inf
        self._jitter_s = self._draw() * _JITTER * self._timing.lease_duration

    def failed(self, now: float, short: str = "", *, in_term: bool = False) -> bool:
        """A try was refused.

        Args:
            now: boot time, seconds.
            short: names of the voters that grant no lease as long as this, until they are started anew.
            in_term: it was an extension; others may grant the next one.

        Returns:
            whether people should know of these voters; once for the same.
        """
        self.retry_at = self._after_a_while(now)
        if short and not in_term:
            self.stand_back(now)
        is_news = short not in ("", self._short)
        self._short = short or self._short
        return is_news

    def ran_out(self, now: float) -> bool:
        """A try was not answered by enough voters in time: they may be far away, or slow.

        Returns:
            whether people should know, since it has been so for longer than a restart takes; once in a spell.
        """
        self.patience_s = min(2 * self.patience_s, _LONGEST_PATIENCE * self._timing.renew_deadline)
        self.retry_at = self._after_a_while(now)
        lease = self._timing.lease_duration
        if now > self._unanswered_at + lease:  # there was nothing to try for, or an answer, meanwhile
            self._unanswered_since, self._has_complained = now, False
        self._unanswered_at = now
        if self._has_complained or now < self._unanswered_since + _LEASES_UNTIL_COMPLAINT * lease:
            return False
        self._has_complained = True
        return True

    def stand_back(self, now: float) -> None:
        """Leave the others a whole lease to try: this candidate could not make use of it."""
        self.retry_at = now + self._timing.lease_duration

    def _after_a_while(self, now: float) -> float:
        return now + self._draw() * _BACK_OFF * self._timing.lease_duration

    def _queue(self, hearsay: Hearsay, membership: Membership) -> int:
        others = [each for each in membership.alive() if each.eligible and each.name != hearsay.former]
        own = (-self._preference.priority, self._name)
        before = min(sum((-each.priority, each.name) < own for each in others), _LONGEST_QUEUE)
        yields = bool(others) and hearsay.former == self._name
        return before + yields + bool(hearsay.heir)
