"""Proof: the time after a create in which a leader of an older, deleted record may still be alive (rule 4).

Pure. Waiting before the create is not enough: a create carries no version, so a delayed one can land after
another record came and went.
"""

from __future__ import annotations

import math

__all__ = ["Proof"]


class Proof:
    """What is outstanding until a record that this candidate created can be trusted.

    Args:
        required: False: every record is trusted at once.

    Attributes:
        uid: of the record that was created last.
        ends_at: when it is proven; boot time, seconds.
    """

    def __init__(self, *, required: bool) -> None:
        self._required = required
        self.uid = ""
        self.ends_at = -math.inf

    def begin(self, uid: str, now: float, wait_s: float) -> None:
        """A record that this candidate created is seen; the first sight counts.

        What was outstanding stays so: the leader that an earlier record was to be proven against may live on.
        """
        if self._required and uid != self.uid:
            self.uid, self.ends_at = uid, max(self.ends_at, now + wait_s)

    def is_pending(self, uid: str, now: float) -> bool:
        """Tell whether the record with this uid is not proven yet."""
        return uid == self.uid and now < self.ends_at
