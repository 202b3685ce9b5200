"""Judge: what harm is done in a world, told from what programs and the store see, and from no core."""

from __future__ import annotations

from enum import StrEnum

from tenure.events import CampaignStarted, Elected, Event, Lost, Overrun, Renewed
from tenure.record import Record, Versioned
from tenure.requests import Purpose, Request, WriteRequest
from tenure.testing.world import Candidate, Change, World

__all__ = ["Harm", "Judge"]

# L(1+rho) of the longest lease in the transcripts, and more.
_LONGEST_WAIT_S = 31.0


class Harm(StrEnum):
    """What must never happen."""

    TWO_LEADERS = "two terms are valid at once"
    BODY_RUNS = "a term begins, or the record is freed, while the process's own body runs"
    OVERLAP = "a term begins before the body of another process is told to be gone"
    AFTER_THE_END = "a term goes on, or sends a renewal, after its end or in another object"
    ROBBED = "a holder loses the record before its lease has run out"
    NEEDLESS_LOSS = "a term is lost whose record is in place, and whose holder was in touch"
    LEADERLESS = "nobody leads, although a campaigner has been in touch for longer than any wait"
    WIPED = "a successor's record is emptied"
    TOKEN_FELL = "a token is not higher than all before it"


class Judge:
    """Collects the harm done in one world.

    Args:
        world: where.

    Attributes:
        found: the harm done so far, in its order; each kind once.
    """

    def __init__(self, world: World) -> None:
        self.found: list[Harm] = []
        self._world = world
        self._ends: dict[str, float] = {}  # of the last term that each program was told of; its local time
        self._running: set[str] = set()  # whose body runs
        self._gone: set[str] = set()  # whose body has been told to be gone
        self._meddled = False  # a hand that changes the record may declare a leader dead whose body runs
        self._highest_token = -1
        self._held_since = 0.0  # true time of the newest change of object, holder or attempt
        self._acquired: dict[str, str] = {}  # uid of the object that each program's last acquire went to
        self._objects: dict[str, str] = {}  # the same when its last term began
        self._campaigners: set[str] = set()
        self._woken: tuple[str, float] = ("", 0.0)

    def look(self) -> None:
        """Count the valid terms of this instant."""
        valid = [c for c in self._world.candidates.values() if c.has_valid_term(self._world.now)]
        self._note(Harm.TWO_LEADERS, len(valid) > 1)
        waits = [c for c in self._world.candidates.values() if c.connected and c.name in self._campaigners]
        too_long = self._world.now > self._held_since + _LONGEST_WAIT_S
        self._note(Harm.LEADERLESS, not valid and bool(waits) and too_long)

    def said(self, candidate: Candidate, event: Event) -> None:
        """A core told something."""
        if isinstance(event, Elected):
            self._note(Harm.BODY_RUNS, candidate.name in self._running)
            self._note(Harm.OVERLAP, not self._meddled and any(map(self._may_run, self._world.candidates)))
            self._note(Harm.TOKEN_FELL, int(event.token) <= self._highest_token)
            self._highest_token = max(self._highest_token, int(event.token))
            self._running.add(candidate.name)
            self._gone.discard(candidate.name)
            self._ends[candidate.name] = event.deadline
            self._objects[candidate.name] = self._acquired.get(candidate.name, "")
        elif isinstance(event, CampaignStarted):
            self._campaigners.add(candidate.name)
        elif isinstance(event, Lost):
            self._note(Harm.NEEDLESS_LOSS, self._is_needless(candidate))
        elif isinstance(event, Renewed):
            self._note(Harm.AFTER_THE_END, self._is_over(candidate))
            self._ends[candidate.name] = event.deadline
        elif isinstance(event, Overrun):
            self._gone.add(candidate.name)

    def sent(self, candidate: Candidate, request: Request) -> None:
        """A request went out."""
        renews = isinstance(request, WriteRequest) and request.purpose is Purpose.RENEW
        self._note(Harm.AFTER_THE_END, renews and self._is_over(candidate))

    def woke(self, candidate: Candidate) -> None:
        """Its process runs again."""
        self._woken = (candidate.name, self._world.now)

    def body_ended(self, candidate: Candidate) -> None:
        """The body of its last term has ended."""
        self._running.discard(candidate.name)
        self._ends.pop(candidate.name, None)

    def changed(self, change: Change) -> None:
        """The record changed."""
        before, now = change.before.record, self._world.now
        if change.author is not None and change.request is not None:
            purpose, held = change.request.purpose, isinstance(before, Record) and before.holder
            foreign = held and not _is_by(change.author, change.before)
            self._note(Harm.WIPED, bool(foreign) and purpose is Purpose.RELEASE)
            young = isinstance(before, Record) and now < self._held_since + _lease(before, change.request)
            self._note(Harm.ROBBED, bool(foreign) and purpose is not Purpose.RELEASE and young)
            freed = purpose is Purpose.RELEASE and change.author.name in self._running
            self._note(Harm.BODY_RUNS, freed)
            self._follow(change.author, purpose, change.after.uid)
        self._meddled |= change.author is None
        if _essence(change.before) != _essence(change.after):
            self._held_since = now

    def _follow(self, author: Candidate, purpose: Purpose, uid: str) -> None:
        if purpose is Purpose.ACQUIRE:
            self._acquired[author.name] = uid
        leads = purpose is Purpose.RENEW and author.name in self._ends
        self._note(Harm.AFTER_THE_END, leads and uid != self._objects[author.name])

    def _is_needless(self, candidate: Candidate) -> bool:
        in_time = not self._is_over(candidate) or candidate.connected
        woken = self._woken == (candidate.name, self._world.now)
        head = self._world.store.head
        in_place = _is_by(candidate, head) and head.uid == self._objects.get(candidate.name)
        return in_place and in_time and not woken

    def _may_run(self, name: str) -> bool:
        """A process that stands still cannot be told anything."""
        paused = self._world.candidates[name].paused
        return name in self._running and name not in self._gone and not paused

    def _is_over(self, candidate: Candidate) -> bool:
        end = self._ends.get(candidate.name)
        return end is not None and candidate.clock.local(self._world.now) >= end

    def _note(self, harm: Harm, done: bool) -> None:
        if done and harm not in self.found:
            self.found.append(harm)


def _is_by(author: Candidate, seen: Versioned) -> bool:
    record = seen.record
    return isinstance(record, Record) and record.attempt is not None and record.attempt[0] == author.name


def _lease(held: Record, taken: WriteRequest) -> float:
    """Return the lease of a record; who takes one that has none has the duration of its own record."""
    lease = taken.record.lease_duration if held.lease_duration is None else held.lease_duration
    return lease or 0.0


def _essence(seen: Versioned) -> tuple[object, ...]:
    record = seen.record
    return (seen.uid, record.holder, record.attempt) if isinstance(record, Record) else (seen.uid, record)
