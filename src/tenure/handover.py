"""Handover: who is to lead next, as far as this candidate has a say in it.

Pure, and without a say in who *may* lead: all that comes of it is that a leader gives up its term in the
ordinary way (rule 6), or that a contender campaigns later than it may (rule 2). What candidates wish to tell
each other stands in the record itself; a program without these ideas passes it by and stays correct.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from tenure.errors import ConfigurationError
from tenure.events import EndingReason
from tenure.record import Contender, Record
from tenure.timing import Timing

__all__ = ["HIGHEST_PRIORITY", "LONGEST_NAME", "MOST_CONTENDERS", "Handover", "Preference"]

HIGHEST_PRIORITY = 1000
LONGEST_NAME = 256
"""Characters of a name that a record bears beside its holder's."""
MOST_CONTENDERS = 8
"""How many names a record bears; a higher priority takes the place of the lowest."""
_LONGEST_QUEUE = 3  # head starts that a contender grants to those before it
_ROLL_CALL_LEASES = 4  # seconds between two roll calls, in leases


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """How much a candidate wants to lead.

    Attributes:
        priority: from 0 to 1000; of several contenders for a free record the highest gets a head start.
        preempt: a leader with a lower priority is asked to hand over.
        minimum_tenure: seconds that a term of this candidate lasts before it is handed over for that.

    Raises:
        ConfigurationError: a value is out of range.
    """

    priority: int = 0
    preempt: bool = False
    minimum_tenure: float = 60.0

    def __post_init__(self) -> None:
        if not (isinstance(self.priority, int) and 0 <= self.priority <= HIGHEST_PRIORITY):
            raise ConfigurationError(
                f"priority must be an integer from 0 to {HIGHEST_PRIORITY}, not {self.priority!r}."
            )
        if self.preempt and not self.priority:
            raise ConfigurationError("preempt needs a priority above 0: nobody is lower than that.")
        if not 0 <= self.minimum_tenure < math.inf:
            raise ConfigurationError(
                f"minimum_tenure must be a number of seconds of at least 0, not {self.minimum_tenure!r}."
            )


class Handover:
    """What one candidate knows of the wishes of all, and its own.

    Contenders with a priority make themselves known by writing their names into the leader's record. From
    time to time the leader takes a roll call: its renewal drops all names, and who is alive writes its own
    anew. So nobody has to tell the dead from the living, and in between a renewal carries the names on.

    Args:
        identity: of this candidate.
        timing: its durations.
        preference: its own wishes.
        draw: returns a random number from 0 to 1.

    Attributes:
        eligible: it may campaign, and lead on.
        polls: it cannot watch, and hears of a change up to `retry_period` late; so, no doubt, do others.
        heir: to whom the present term is handed over; empty: to nobody in particular.
        roll_call_at: when a leader is to take one without waiting for its next renewal; boot time, seconds.
    """

    def __init__(
        self, identity: str, timing: Timing, preference: Preference, draw: Callable[[], float]
    ) -> None:
        self._identity = identity
        self._timing = timing
        self._preference = preference
        self._draw = draw
        self._contenders: tuple[Contender, ...] = ()  # as far as is known
        self._last_named: tuple[Contender, ...] = ()  # those in the newest record
        self._carried: tuple[Contender, ...] = ()  # those in this candidate's own last write
        self._yields = False  # it has given the record up for others: they go first
        self._preempt_from = math.inf  # before that the present term is not handed over to a higher priority
        self._next_roll_call_at = math.inf
        self._note_from = -math.inf
        self._noted_for = ""  # the holder that the time counts for
        self.eligible = True
        self.polls = False
        self.heir = ""
        self.roll_call_at = math.inf

    # ---- as a contender

    def observe(self, record: Record, now: float, *, is_own: bool) -> None:
        """Take in the newest record."""
        # A record without names may be a roll call, to which the answers are still to come.
        self._contenders = record.contenders or self._last_named
        if record.holder not in ("", self._noted_for):
            self._noted_for, self._note_from = record.holder, -math.inf
        if self._last_named and not record.contenders:
            # All see it at once, and need not all answer at once.
            self._note_from = max(self._note_from, self._after_a_while(now))
        self._last_named = record.contenders
        if not is_own:
            self._yields = self._yields and not record.holder
        elif record.contenders:
            self._next_roll_call_at = min(self._next_roll_call_at, now + self._roll_call_period)
        else:
            self._next_roll_call_at = math.inf
            if now >= self.roll_call_at:
                self.roll_call_at = math.inf

    def is_heir(self, record: Record | None) -> bool:
        """Tell whether a free record was left to this very candidate."""
        return record is not None and bool(record.hint) and record.hint == self._identity

    def head_start_s(self, record: Record | None) -> float:
        """Return for how many seconds others go first, counted from when the record became free."""
        if self.is_heir(record):
            return 0.0
        last = record.holder if record is not None else ""
        before = sum(self._is_higher(each) and each.identity != last for each in self._contenders)
        queue = min(before, _LONGEST_QUEUE) + self._yields + bool(record is not None and record.hint)
        return queue * (self._timing.head_start + self.polls * self._timing.retry_period)

    def note(self, record: Record | None) -> Record | None:
        """Return a leader's record with this candidate's name in it; None: it has nothing to write there.

        Only records of tenure's candidates bear names: others keep for ever what they do not understand.
        """
        own = Contender(self._identity, self._preference.priority, self._preference.preempt)
        if not (self.eligible and own.priority and record and record.holder and record.attempt):
            return None
        named = record.contenders
        if record.holder == self._identity or any(each.identity == self._identity for each in named):
            return None
        if len(named) >= MOST_CONTENDERS:
            lowest = min(named, key=lambda each: each.priority)
            if lowest.priority >= own.priority:
                return None
            named = tuple(each for each in named if each is not lowest)
        return replace(record, contenders=(*named, own))

    def note_at(self, record: Record | None) -> float:
        """Return from when on a note is to be written; boot time, seconds; ``inf``: there is none."""
        return self._note_from if self.note(record) is not None else math.inf

    def note_failed(self, now: float) -> None:
        """Somebody else has written first, or the store did not answer: try again after a random while."""
        self._note_from = self._after_a_while(now)

    def note_sent(self, now: float) -> None:
        """A note goes out. Where nothing is seen of it, it was wiped or is not kept: the next has time."""
        self._note_from = now + self._timing.renew_period

    # ---- as a leader

    def begin(self, now: float) -> None:
        """A term of this candidate begins."""
        self.heir = ""
        self._yields = False
        self._preempt_from = now + self._preference.minimum_tenure
        is_asked = any(self._preempts(each) for each in self._carried)
        self.roll_call_at = self._preempt_from if is_asked else math.inf

    def give_up(self, heir: str) -> None:
        """The term is given up for `heir`; empty: for anybody."""
        self.heir = heir
        self._yields = True

    def wish(self, record: Record | None, now: float) -> tuple[EndingReason, str] | None:
        """Return why the term is to be handed over, and to whom, empty: to anybody; None: nobody wishes it.

        Only a name that was written after this candidate's own last write tells that a contender lives.
        """
        if record is None:
            return None
        if record.request is not None and record.request != self._identity:
            return EndingReason.REQUESTED, record.request
        higher = [each for each in record.contenders if self._preempts(each) and each not in self._carried]
        if higher and now >= self._preempt_from:
            return EndingReason.PREEMPTED, max(higher, key=lambda each: each.priority).identity
        if higher:
            self.roll_call_at = min(self.roll_call_at, self._preempt_from)
        return None

    def contenders_to_write(self, base: Record | None, now: float) -> tuple[Contender, ...]:
        """Return the names that a write of this candidate carries on: none at a roll call."""
        roll_call = base is None or now >= min(self.roll_call_at, self._next_roll_call_at)
        named = () if base is None or roll_call else base.contenders
        self._carried = tuple(each for each in named if each.identity != self._identity)
        return self._carried

    # ---- inside

    def _after_a_while(self, now: float) -> float:
        return now + self._draw() * self._timing.head_start

    @property
    def _roll_call_period(self) -> float:
        return _ROLL_CALL_LEASES * self._timing.lease_duration

    def _is_higher(self, other: Contender) -> bool:
        return other.identity != self._identity and other.priority > self._preference.priority

    def _preempts(self, other: Contender) -> bool:
        return other.preempt and self._is_higher(other)
