"""Broken terms: from when they count, when they end, and how they are given up (rules 1, 3, 6 and 7)."""

from __future__ import annotations

import math
from dataclasses import replace

from tenure.attempts import Attempts, SentWrite
from tenure.claim import Claim
from tenure.election import Election
from tenure.events import EndingReason, LossReason, Renewed, TermEnding
from tenure.knowledge import News
from tenure.record import Record, Versioned
from tenure.requests import NoteRequest, Purpose, Request, WriteRequest
from tenure.states import IN_TERM, State

__all__ = [
    "AnotherObjectIgnored",
    "BlindRetry",
    "CampaignsWhileTheBodyRuns",
    "ConflictIsLoss",
    "CountedFromTheAnswer",
    "CountedUnanswered",
    "DeletionIgnored",
    "DrainsWithoutRenewal",
    "ForeignHolderIgnored",
    "FreedWhileTheBodyRuns",
    "LateAnswerRevives",
    "ReleasedWithoutCheck",
    "SendsBeforeItLooks",
    "TouchIsLoss",
]


class CountedFromTheAnswer(Election):
    """A term counts from the arrival of the answer: the time that it took is added to the lease."""

    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None:
        if isinstance(request, WriteRequest):
            sent = self._claim.attempts._sent.get(request.attempt.number)
            if sent is not None:
                self._claim.attempts._sent[request.attempt.number] = replace(sent, at=now)
        super().receive_answer(request, seen, now)


class CountedUnanswered(Election):
    """A term counts from the sending of the last renewal, accepted or not."""

    def _write(self, purpose: Purpose, now: float) -> WriteRequest:
        request = super()._write(purpose, now)
        if purpose is Purpose.RENEW and self._term is not None:
            self._term.since = now
            if self.state in IN_TERM:
                self._bulletin.tell(Renewed(deadline=self.deadline, late_s=0.0))
        return request


class SendsBeforeItLooks(Election):
    """The deadline is looked at after a request that is due was sent, also after a pause."""

    def _advance(self, now: float) -> None:
        due = max(self._next_request_at(), self._pace.not_before)
        if self.state is not State.LEADING or self._under_way is not None or now < due:
            super()._advance(now)


class LateAnswerRevives(Election):
    """The deadline is not looked at while a request is under way: its answer may come after the end."""

    def _advance(self, now: float) -> None:
        if not self._waits():
            super()._advance(now)

    def get_timer(self) -> float | None:
        return None if self._waits() else super().get_timer()

    def _waits(self) -> bool:
        return self.state in IN_TERM and self._under_way is not None


class ForeignHolderIgnored(Election):
    """A leader that sees another holder, or an empty one, goes on until its deadline."""

    def _check_term(self, news: News, sent: SentWrite | None) -> None:
        newest = self.newest
        foreign = sent is None and newest is not None and isinstance(newest.record, Record)
        if not foreign or news is News.RESET:
            super()._check_term(news, sent)

    def _renew_at(self) -> float:
        return super()._renew_at() if self._claim.sent else math.inf


class DeletionIgnored(Election):
    """A leader that sees its record deleted goes on until its deadline."""

    def _check_term(self, news: News, sent: SentWrite | None) -> None:
        newest = self.newest
        if newest is not None and newest.record is not None:
            super()._check_term(news, sent)

    def _renew_at(self) -> float:
        return super()._renew_at() if self._claim.sent else math.inf


class AnotherObjectIgnored(Attempts):
    """A leader that sees a write of its own in another object goes on: somebody may have led in between."""

    def disowned(self, seen: Versioned, uid: str) -> LossReason | None:
        reason = super().disowned(seen, uid)
        return None if reason is LossReason.RECREATED and self.made(seen) else reason


class TouchIsLoss(Election):
    """A leader takes every new version that it did not write for a loss, also a new label."""

    def _check_term(self, news: News, sent: SentWrite | None) -> None:
        if news is News.TOUCHED:
            self._lose(LossReason.FOREIGN_WRITE)
        else:
            super()._check_term(news, sent)


class ConflictIsLoss(Election):
    """A leader takes a conflict for a loss, without looking what is there."""

    def receive_conflict(self, request: WriteRequest, now: float) -> None:
        super().receive_conflict(request, now)
        if self.state in IN_TERM:
            self._lose(LossReason.FOREIGN_WRITE)


class DrainsWithoutRenewal(Election):
    """A leader that gives its term up stops renewing it at once, and its body drains."""

    def _renew_at(self) -> float:
        return math.inf if self.state is State.DRAINING else super()._renew_at()


class CampaignsWhileTheBodyRuns(Election):
    """A leader that has lost campaigns again at once, although its body has not ended."""

    def _lose(self, reason: LossReason) -> None:
        led = self.state is State.LEADING
        super()._lose(reason)
        if led:
            self.state = State.CAMPAIGNING
            self._campaign += 1

    def campaign(self, now: float) -> None:
        if self.state is State.IDLE:
            super().campaign(now)

    def body_ended(self, now: float) -> None:
        if self.state in (*IN_TERM, State.LOST):
            super().body_ended(now)


class FreedWhileTheBodyRuns(Election):
    """Who resigns frees the record at once, and its body ends when it likes."""

    def resign(self, now: float) -> None:
        self._advance(now)
        if self.state is State.LEADING:
            self._bulletin.tell(TermEnding(reason=EndingReason.STOPPED, heir=""))
            self._begin_release("release", now)
            self._settle(now)
        else:
            super().resign(now)

    def body_ended(self, now: float) -> None:
        if self.state in (*IN_TERM, State.LOST):
            super().body_ended(now)


class _FreesAll(Claim):
    def can_free(self, now: float) -> bool:
        return self.knowledge.newest is not None and self.knowledge.newest.record is not None


class ReleasedWithoutCheck(Election):
    """A release that conflicted is written again over whatever is there now."""

    def _enter(self, cause: str) -> None:
        super()._enter(cause)
        self._claim.__class__ = _FreesAll if self.state is State.RELEASING else Claim


class _TakesAll(Claim):
    def free_at(self, now: float) -> float:
        return -math.inf


class BlindRetry(Election):
    """An acquire that conflicted is sent again on the new version, whoever holds the record by now."""

    def receive_conflict(self, request: WriteRequest | NoteRequest, now: float) -> None:
        acquires = isinstance(request, WriteRequest) and request.purpose is Purpose.ACQUIRE
        self._claim.__class__ = _TakesAll if acquires else Claim
        super().receive_conflict(request, now)

    def _win(self, newest: Versioned, sent: SentWrite, now: float) -> None:
        self._claim.__class__ = Claim
        super()._win(newest, sent, now)
