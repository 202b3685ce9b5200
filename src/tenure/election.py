"""Election: one candidate as a pure state machine.

It imports no clock, no event loop, no socket and no random numbers: `now` (boot time, seconds) is a
parameter, random draws are passed in, inputs are method calls, outputs are drained (ARCHITECTURE.md).

Everything that affects the safety contract lives here and in `Knowledge`; the numbers of its rules
(docs/contract.md) stand where they are kept. At most one request is under way at any time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Literal

from tenure.attempts import Attempts, SentWrite
from tenure.bulletin import Bulletin
from tenure.claim import Claim
from tenure.contest import Contest
from tenure.events import (
    CampaignStarted,
    Elected,
    EndingReason,
    Event,
    LossReason,
    Lost,
    Overrun,
    Released,
    Renewed,
    TermEnding,
)
from tenure.fingerprint import fingerprint_of
from tenure.handover import Handover, Preference
from tenure.knowledge import Knowledge, News
from tenure.pace import Pace
from tenure.proof import Proof
from tenure.record import Versioned
from tenure.requests import NoteRequest, Purpose, ReadRequest, Request, WriteRequest, record_to_write
from tenure.states import HOLDING, IN_TERM, TRANSITIONS, State, TermState
from tenure.timing import Timing
from tenure.token import FencingToken

__all__ = ["Election", "OnMissing"]

OnMissing = Literal["create", "wait"]

# A lost race is usually told by the watch within this time, which saves the loser a read.
_RACE_NEWS_S = 0.1
_NOT_FREED = "the record could not be freed in time; others wait until its lease has run out"


class Election:
    """One candidate of one election, from its first campaign to its last term.

    Args:
        identity: the name that the record will show.
        incarnation: random, made when the campaign starts, never shared by two processes (rule 5).
        timing: the durations.
        draw: returns a random number from 0 to 1.
        on_missing: ``"wait"``: a term that began with a create is valid only a lease later (rule 4).
        drain_timeout: seconds that a body may take to end while the term is renewed.
        epoch: of the fencing tokens (rule 9).
        election: that the tokens belong to, ``NAMESPACE/NAME``.
        preference: how much it wants to lead; None: like any other.
    """

    def __init__(
        self,
        *,
        identity: str,
        incarnation: str,
        timing: Timing,
        draw: Callable[[], float],
        on_missing: OnMissing = "create",
        drain_timeout: float = 20.0,
        epoch: int = 0,
        election: str = "",
        preference: Preference | None = None,
    ) -> None:
        self.identity = identity
        self.incarnation = incarnation
        self.timing = timing
        self.state = State.IDLE
        self._drain_timeout = drain_timeout
        self._epoch = epoch
        self._name = election
        proof = Proof(required=on_missing == "wait")
        self._claim = Claim(timing, Knowledge(timing), Attempts(identity, incarnation), proof)
        self._bulletin = Bulletin(identity, election, timing.lease_duration)
        self._campaign = 0
        self._under_way: Request | None = None
        self._unresolved = False  # the outcome of the last write is unknown: read before anything else
        self._read_at = -math.inf  # when a read is wanted apart from that; inf: none is
        self._refused_version: int | None = None  # that the last write was based on, in vain
        self._pace = Pace(timing.retry_period)
        self._term: TermState | None = None
        self._overrun_at = math.inf
        self._drain_until = math.inf
        self._drained_out = False  # the body runs on after its time to drain: renewal has stopped (rule 6)
        self._release_until = math.inf
        self._contest = Contest(draw)
        self._handover = Handover(identity, timing, preference or Preference(), draw)
        self._fresh = False

    # ---- what the driver and the term ask

    @property
    def newest(self) -> Versioned | None:
        """The newest fact known about the record."""
        return self._claim.knowledge.newest

    @property
    def deadline(self) -> float:
        """s+D: when the present term is over; boot time, seconds; ``-inf`` without one (rule 1)."""
        return self._over_at() if self.state in IN_TERM else -math.inf

    # ---- inputs

    def campaign(self, now: float) -> None:
        """Try to lead, from now on. Only from `State.IDLE`: every earlier body has ended (rule 1)."""
        self._enter("campaign")
        self._campaign += 1
        self._bulletin.tell(CampaignStarted())
        self._settle(now)

    def transfer(self, to: str, now: float) -> None:
        """Give up the term, if there is one, for this candidate; empty: for any. It may drain already."""
        self._advance(now)
        if to != self.identity:
            self._drain(EndingReason.GIVEN_UP, to, now)
        self._settle(now)

    def set_polling(self) -> None:
        """The record cannot be watched: others, too, may hear of a release late."""
        self._handover.polls = True

    def set_eligible(self, eligible: bool, now: float) -> None:
        """Tell whether this candidate may campaign, and go on leading."""
        self._advance(now)
        self._handover.eligible = eligible
        if not eligible:
            self._drain(EndingReason.INELIGIBLE, "", now)
        self._settle(now)

    def resign(self, now: float) -> None:
        """Give up: the campaign at once, the term when its body has ended (rule 6)."""
        self._advance(now)
        self._drain(EndingReason.STOPPED, "", now)
        if self.state is State.CAMPAIGNING and self._may_hold(now):
            self._begin_release("abandon", now)
        elif self.state in (State.CAMPAIGNING, State.PROVING):
            self._stop()
        self._settle(now)

    def body_ended(self, now: float) -> None:
        """The body of the present or last term has ended."""
        self._advance(now)
        if self.state is State.LOST:
            self._stop()
        else:
            self._begin_release("release", now)
        self._settle(now)

    def receive_record(self, seen: Versioned, now: float) -> None:
        """Take in what a watch delivered: the record, or its deletion."""
        self._advance(now)
        # The compare-and-swap on the very version that was freed does without one more read (rule 2).
        self._fresh = seen.is_free
        self._observe(seen, now, None)
        self._settle(now)

    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None:
        """Take in the answer of the store to a request: what was read, or what a write has stored."""
        self._advance(now)
        self._under_way = None
        self._pace.succeeded()
        if isinstance(request, ReadRequest):
            self._read_at = math.inf
            self._unresolved = False
            self._fresh = True
            self._observe(seen, now, request.knowing)
            if seen.version == self._refused_version:
                # A conflict, and yet nobody wrote: the next write will hardly fare better at once.
                self._pace.failed(now)
        elif request.base is not None and seen.version == request.base.version:
            # Nothing was changed, so nobody saw a renewal (rule 7): try again, after a pause.
            self._pace.failed(now)
        else:
            self._observe(seen, now, None)
        self._settle(now)

    def receive_conflict(self, request: WriteRequest | NoteRequest, now: float) -> None:
        """The compare-and-swap lost: another version is in place. An input like any other, no fault."""
        self._advance(now)
        self._under_way = None
        self._pace.succeeded()
        self._refused_version = request.base.version if request.base is not None else 0
        if isinstance(request, NoteRequest):
            self._handover.note_failed(now)
        elif request.base is None or self._claim.knowledge.high_water <= request.base.version:
            self._read_at = now + _RACE_NEWS_S if self.state is State.CAMPAIGNING else now
        self._settle(now)

    def receive_failure(
        self, request: Request, now: float, *, retry_after_s: float = 0.0, refused: bool = False
    ) -> None:
        """No usable answer came. Unless `refused`, a write may have been applied, or may yet be (rule 7)."""
        self._advance(now)
        self._under_way = None
        if isinstance(request, WriteRequest) and not refused:
            self._unresolved = True
        elif isinstance(request, NoteRequest):
            self._handover.note_failed(now)
        wait_s = min(retry_after_s, self.timing.lease_duration)
        if self.state in HOLDING or self.state is State.RELEASING:
            # The store's wish is met, but never past what is left of the time: half of it stays.
            wait_s = min(wait_s, self._budget(now) / 2)
        self._pace.failed(now, wait_s=wait_s)
        self._settle(now)

    def refresh(self, now: float) -> None:
        """A read is wanted: the watch is over or broken, or there is none."""
        self._advance(now)
        self._read_at = now
        self._settle(now)

    def fail(self, now: float) -> None:
        """The driver or this core broke: that counts as a loss (rule 1)."""
        if self.state in IN_TERM:
            self._lose(LossReason.INTERNAL_ERROR)
        self._settle(now)

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`."""
        self._advance(now)
        self._settle(now)

    # ---- outputs

    def requests_to_send(self, now: float) -> list[Request]:
        """Return what is to be sent now, at most one request; s of rule 1 is this `now`."""
        self.handle_timer(now)
        request = None if self._under_way or now < self._pace.not_before else self._next_request(now)
        if request is None:
            return []
        self._under_way = request
        self._pace.sent(now)
        return [request]

    def get_timer(self) -> float | None:
        """Return when `handle_timer` and `requests_to_send` are to be called next; boot time, seconds."""
        times = [self._overrun_at, self._drain_until, self._release_until, self._bulletin.ends_at]
        if self.state in HOLDING:
            times.append(self._over_at())
        if self.state is State.PROVING:
            times.append(self._claim.proof.ends_at)
        if self._under_way is None:
            times.append(max(self._next_request_at(), self._pace.not_before))
        soonest = min(times)
        return soonest if math.isfinite(soonest) else (None if soonest > 0 else -math.inf)

    def next_event(self) -> Event | None:
        """Return the next event, oldest first; None: there is none."""
        return self._bulletin.next_event()

    def fingerprint(self, now: float) -> Hashable:
        """Return the whole state, hashable and the same after any shift of time, for exhaustive search."""
        return fingerprint_of(self, now, horizon=2 * self._claim.knowledge.longest_lease)

    # ---- time

    def _advance(self, now: float) -> None:
        """Let what has passed take effect before anything else does, also after a pause (rule 1)."""
        term = self._term
        if now >= self._drain_until:
            # A term that was over before ended for want of renewals.
            self._drained_out = self._drain_until < self._over_at()
            self._drain_until = math.inf
        if term is not None and self.state in HOLDING and now >= self._over_at():
            self._lose(LossReason.DRAIN_TIMEOUT if self._drained_out else LossReason.RENEW_DEADLINE)
        if now >= self._overrun_at:
            self._overrun_at = math.inf
            self._bulletin.tell(Overrun())
        if now >= self._release_until:
            self._bulletin.say(_NOT_FREED)
            self._stop()
        if self.state is State.PROVING and term is not None and self._claim.is_proven(term.uid, now):
            self._elect(now)

    def _settle(self, now: float) -> None:
        """Derive what follows from the facts: the contest, the end of a release, the view."""
        resolved = self._under_way is None and not self._unresolved
        if self.state is State.RELEASING and resolved and not self._claim.can_free(now):
            self._stop()
        if self.state is State.CAMPAIGNING:
            first = self._handover.is_heir(self._claim.record)
            self._contest.plan(self._start_at(now), now, fresh=self._fresh, first=first)
        self._fresh = False
        token = self._term.token if self.state in IN_TERM and self._term else None
        known, is_own = self._claim.knowledge, self._claim.sent is not None
        self._bulletin.show(token, known.newest, known.stale_at, now, is_own=is_own)

    def _next_request_at(self) -> float:
        if self.state in (State.IDLE, State.LOST):
            return math.inf
        if self._unresolved or self.newest is None:
            return -math.inf
        due = math.inf
        if self.state is State.CAMPAIGNING:
            starts_at = min(self._contest.starts_at, self._note_at())
            due = starts_at if self._read_at == math.inf else math.inf
        elif self.state in HOLDING:
            due = self._renew_at()
        elif self.state is State.RELEASING:
            due = -math.inf
        return min(due, self._read_at)

    def _note_at(self) -> float:
        if self.newest is not None and self.newest.version == self._refused_version:
            return math.inf  # it is known to be overtaken, and the news is on its way
        return self._handover.note_at(self._claim.record)

    def _renew_at(self) -> float:
        if self._term is None or self._drained_out:
            return math.inf
        return min(self._term.since + self.timing.renew_period, self._handover.roll_call_at)

    def _over_at(self) -> float:
        """Return s+D of the record that is held."""
        return self._term.since + self.timing.renew_deadline if self._term is not None else -math.inf

    # ---- requests

    def _next_request(self, now: float) -> Request | None:
        if now < self._next_request_at():
            return None
        if self._unresolved or self.newest is None or now >= self._read_at:
            return self._read(now)
        if self.state is State.CAMPAIGNING and now < self._contest.starts_at:
            return self._note(now)
        if self.state is State.CAMPAIGNING:
            self._contest.enter(now)
            return self._read(now) if self._contest.needs_read else self._write(Purpose.ACQUIRE, now)
        return self._write(Purpose.RELEASE if self.state is State.RELEASING else Purpose.RENEW, now)

    def _read(self, now: float) -> ReadRequest:
        return ReadRequest(knowing=self._claim.knowledge.high_water, timeout=self._budget(now))

    def _note(self, now: float) -> NoteRequest | None:
        newest, noted = self.newest, self._handover.note(self._claim.record)
        if newest is None or noted is None:
            return None
        self._handover.note_sent(now)
        return NoteRequest(base=newest, record=noted, timeout=self._budget(now))

    def _write(self, purpose: Purpose, now: float) -> WriteRequest:
        self._refused_version = None
        base, attempt = self._claim.begin(purpose, self._campaign, now)
        token = self._term.token if purpose is Purpose.RENEW and self._term else None
        record = record_to_write(
            purpose,
            base,
            attempt,
            self.identity,
            self.timing.lease_duration,
            token,
            contenders=self._handover.contenders_to_write(self._claim.record, now),
            heir=self._handover.heir,
        )
        return WriteRequest(
            purpose=purpose, base=base, record=record, attempt=attempt, timeout=self._budget(now)
        )

    def _budget(self, now: float) -> float:
        if self.state is State.RELEASING:
            return self._release_until - now
        if self.state in HOLDING:
            return self._over_at() - now
        return self.timing.renew_deadline

    # ---- facts

    def _observe(self, seen: Versioned, now: float, asked_knowing: int | None) -> None:
        news = self._claim.observe(seen, now, asked_knowing)
        if news is News.IGNORED:
            return
        if asked_knowing is not None:
            self._contest.has_read()
        if news is not News.SAME:
            self._read_at = math.inf
        sent, record = self._claim.sent, self._claim.record
        self._bulletin.report(news, self.newest, is_own=sent is not None)
        if record is not None:
            self._handover.observe(record, now, is_own=sent is not None)
        if sent and self._claim.attempts.is_latest(sent):
            self._unresolved = False
        if self.state in HOLDING:
            self._check_term(news, sent)
        elif self.state is State.CAMPAIGNING:
            self._check_contest(sent, now)
        elif self.state is State.RELEASING and self._claim.attempts.freed(self.newest):
            self._bulletin.tell(Released())
            self._stop()
        wish = self._handover.wish(record, now) if self.state in IN_TERM else None
        if wish is not None:
            self._drain(*wish, now)

    def _check_term(self, news: News, sent: SentWrite | None) -> None:
        """Lose now if the record is not ours (rule 3), else count from the write it names (rule 7)."""
        term = self._term
        if term is None:
            return
        reason = self._claim.disowned(news, term.uid)
        if reason is not None:
            self._lose(reason)
        elif sent is not None and sent.at > term.since:
            late_s = max(0.0, sent.at - term.since - self.timing.renew_period)
            term.since = sent.at
            if self.state in IN_TERM:
                self._bulletin.tell(Renewed(deadline=self.deadline, late_s=late_s))

    def _check_contest(self, sent: SentWrite | None, now: float) -> None:
        newest = self.newest
        if sent is None or newest is None:
            # (A record that is found as free as it was is no lost race.)
            if now < self._claim.free_at(now):
                self._contest.lost(now)
        elif sent.acquires(self._campaign) and now < sent.at + self.timing.renew_deadline:
            self._win(newest, sent, now)

    def _win(self, newest: Versioned, sent: SentWrite, now: float) -> None:
        self._contest.won()
        version = newest.version if newest.token_version is None else newest.token_version
        token = FencingToken(self._epoch, version, self._name, newest.uid)
        self._term = TermState(newest.uid, token, sent.at)
        # A candidate may have been asked to wait longer than a leader can: half of its time stays.
        self._pace.hurry(now + (self._over_at() - now) / 2)
        if not self._claim.is_proven(newest.uid, now):
            self._enter("hold")
        else:
            self._elect(now)

    def _elect(self, now: float) -> None:
        self._enter("elect")
        self._handover.begin(now)
        if self._term is not None:
            self._bulletin.tell(Elected(token=self._term.token, deadline=self.deadline))
        if not self._handover.eligible:  # it came too late to keep a write back
            self._drain(EndingReason.INELIGIBLE, "", now)

    def _drain(self, reason: EndingReason, heir: str, now: float) -> None:
        """Ask the body of a term to end; the term is renewed meanwhile, and then freed (rule 6)."""
        if self.state is State.LEADING:
            self._enter("drain")
            self._handover.give_up(heir)
            self._drain_until = now + self._drain_timeout
            self._bulletin.tell(TermEnding(reason=reason, heir=heir))
        elif self.state is State.DRAINING and heir and reason is not EndingReason.PREEMPTED:
            self._handover.heir = heir  # it is not too late to choose one

    def _lose(self, reason: LossReason) -> None:
        proving = self.state is State.PROVING
        self._enter("lose")
        self._drain_until = math.inf
        if proving or self._term is None:
            self._term = None
            return
        self._overrun_at = self._term.since + self.timing.overrun_limit
        self._bulletin.tell(Lost(reason=reason))

    def _begin_release(self, cause: str, now: float) -> None:
        self._enter(cause)
        over_at = self._over_at() if self._term is not None else math.inf
        self._release_until = min(now + self.timing.retry_period, over_at)

    def _stop(self) -> None:
        self._enter("stop")
        self._term = None
        self._handover.heir = ""
        self._contest.close()
        self._overrun_at = self._release_until = self._drain_until = math.inf
        self._drained_out = False

    def _enter(self, cause: str) -> None:
        after = TRANSITIONS[cause].get(self.state)
        if after is None:
            raise RuntimeError(f"impossible transition: {cause} while {self.state}")
        self.state = after

    def _start_at(self, now: float) -> float:
        """Return from when on this candidate will try: not before others that have a better claim."""
        if not self._handover.eligible:
            return math.inf
        free_at = self._claim.free_at(now)
        # (Nobody else can take what is ours.)
        head_start_s = 0.0 if self._claim.sent else self._handover.head_start_s(self._claim.record)
        return max(free_at, self._claim.knowledge.changed_at) + head_start_s if head_start_s else free_at

    def _may_hold(self, now: float) -> bool:
        return self._unresolved or isinstance(self._under_way, WriteRequest) or self._claim.can_free(now)
