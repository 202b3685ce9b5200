"""Health: whether this process keeps up with its own clock.

Pure. A peer that is starved of CPU hears late of others, and would take a leader for dead whose messages
lie unread in its own socket: so it lets some time pass first, once. A hint, like every detector: no lease
depends on it.
"""

from __future__ import annotations

import math

__all__ = ["Health"]

# After a campaign was held back, for how many times the longest hold nothing holds it back again: by then the
# socket has been read, and who is always late would never campaign.
_PAUSE = 4


class Health:
    """How late this process was of late.

    Args:
        tolerance_s: seconds that a timer may be late without a consequence.
        longest_s: seconds that a campaign is held back at most.

    Attributes:
        well_from: before that, no campaign begins; boot time, seconds.
    """

    def __init__(self, tolerance_s: float, longest_s: float) -> None:
        self._tolerance_s = tolerance_s
        self._longest_s = longest_s
        self._due_at = math.inf
        self.well_from = -math.inf

    def expect(self, due_at: float) -> None:
        """The next step is due at that boot time, in seconds."""
        self._due_at = due_at

    def wake(self, now: float) -> None:
        """A step is made; it is late if its time has passed."""
        late_s = now - self._due_at
        if late_s > self._tolerance_s and now >= self.well_from + _PAUSE * self._longest_s:
            self.well_from = now + min(late_s, self._longest_s)
        self._due_at = math.inf
