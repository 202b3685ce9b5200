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
_FIRST_PATIENCE = 0.1  # of the lease: how long a try may take, until it was too short
_LONGEST_PATIENCE = 0.3


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
        self._jitter_s = draw() * _JITTER * timing.lease_duration
        self.retry_at = -math.inf
        self.patience_s = _FIRST_PATIENCE * timing.lease_duration
        self._refused_at = self._held_until = -math.inf

    def starts_at(self, hearsay: Hearsay, membership: Membership) -> float:
        """Return when this candidate tries; boot time, seconds."""
        if hearsay.leader == "" and hearsay.heir == self._name:
            return max(hearsay.free_at, self.retry_at)
        queue = self._queue(hearsay, membership)
        starts_at = hearsay.free_at + queue * self._timing.head_start + self._jitter_s
        if hearsay.leader == "" and hearsay.free_at >= self._refused_at:
            return max(starts_at, self.retry_at)  # whoever held it then has given it back
        return max(starts_at, self.retry_at, self._held_until)

    def succeeded(self) -> None:
        """A try has got a majority."""
        self.patience_s = _FIRST_PATIENCE * self._timing.lease_duration
        self.retry_at = -math.inf
        self._jitter_s = self._draw() * _JITTER * self._timing.lease_duration

    def failed(self, now: float, held_until: float) -> None:
        """A try was refused; `held_until`: by somebody that holds the lease so long, or in the past."""
        lease = self._timing.lease_duration
        self.retry_at = now + self._draw() * _FIRST_PATIENCE * lease / 2
        self._refused_at, self._held_until = now, held_until

    def ran_out(self, now: float) -> None:
        """A try was not answered by enough voters in time: they may be far away, or slow."""
        lease = self._timing.lease_duration
        self.patience_s = min(2 * self.patience_s, _LONGEST_PATIENCE * lease)
        self.retry_at = now + self._draw() * _FIRST_PATIENCE * lease / 2

    def stand_back(self, now: float) -> None:
        """Leave the others a whole lease to try: this candidate could not make use of it."""
        self.retry_at = now + self._timing.lease_duration

    def _queue(self, hearsay: Hearsay, membership: Membership) -> int:
        others = [each for each in membership.alive() if each.eligible and each.name != hearsay.former]
        own = (-self._preference.priority, self._name)
        before = min(sum((-each.priority, each.name) < own for each in others), _LONGEST_QUEUE)
        yields = bool(others) and hearsay.former == self._name
        return before + yields + bool(hearsay.heir)
