"""Broken attempts: which record is mine, which write it counts from, and what a token is made of
(rules 5, 7 and 9)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tenure.attempts import Attempts, SentWrite
from tenure.election import Election
from tenure.events import Renewed
from tenure.record import Attempt, Record, Versioned
from tenure.requests import Purpose, Request, WriteRequest
from tenure.states import HOLDING, IN_TERM

__all__ = [
    "AnotherIncarnation",
    "CreditedToTheLatest",
    "EpochIgnored",
    "NameAlone",
    "NameAndIncarnation",
    "OldWriteElects",
    "TokenFromTransitions",
    "UnchangedRenewal",
]

# Not the one that the record names: that is not known. Never counted from, but it makes the record ours.
_SOME_WRITE = SentWrite(-math.inf, Purpose.RENEW, campaign=0, distrust_s=0.0)


class CreditedToTheLatest(Attempts):
    """A record that is found after an unknown outcome counts from the write that was sent last."""

    def made(self, seen: Versioned | None) -> SentWrite | None:
        sent, latest = super().made(seen), self._sent.get(self._number)
        return latest if sent and latest and latest.purpose is sent.purpose else sent


class AnotherIncarnation(Attempts):
    """A record is mine by identity and the number of the attempt: the incarnation is not looked at."""

    def _named(self, seen: Versioned | None) -> SentWrite | None:
        if seen is not None and isinstance(seen.record, Record) and seen.record.attempt is not None:
            attempt = Attempt(self._incarnation, seen.record.attempt.number)
            seen = replace(seen, record=replace(seen.record, attempt=attempt))
        return super()._named(seen)


class NameAlone(Attempts):
    """A record is mine if it bears my name."""

    def _named(self, seen: Versioned | None) -> SentWrite | None:
        return super()._named(seen) or (_SOME_WRITE if self._is_mine(seen) else None)

    def _is_mine(self, seen: Versioned | None) -> bool:
        record = seen.record if seen is not None else None
        return isinstance(record, Record) and record.holder == self._identity


class NameAndIncarnation(NameAlone):
    """A record is mine if it bears my name and incarnation, whichever attempt it names."""

    def _is_mine(self, seen: Versioned | None) -> bool:
        record = seen.record if seen is not None else None
        return (
            isinstance(record, Record)
            and record.holder == self._identity
            and record.attempt is not None
            and record.attempt.incarnation == self._incarnation
        )


class OldWriteElects(Election):
    """A record of mine is a term, also if the write that made it belongs to an earlier campaign."""

    def _check_contest(self, sent: SentWrite | None, now: float) -> None:
        newest = self.newest
        if sent is not None and newest is not None and now < sent.at + self.timing.renew_deadline:
            self._win(newest, sent, now)
        else:
            super()._check_contest(sent, now)


class UnchangedRenewal(Election):
    """A renewal sends the record as it was, and its answer counts although nothing was changed."""

    def _write(self, purpose: Purpose, now: float) -> WriteRequest:
        request = super()._write(purpose, now)
        if purpose is Purpose.RENEW and request.base is not None and isinstance(request.base.record, Record):
            return replace(request, record=request.base.record)
        return request

    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None:
        super().receive_answer(request, seen, now)
        if (
            self._term
            and self.state in HOLDING
            and isinstance(request, WriteRequest)
            and seen == request.base
        ):
            self._term.since = self._claim.attempts._sent[request.attempt.number].at
            if self.state in IN_TERM:
                self._bulletin.tell(Renewed(deadline=self.deadline, late_s=0.0))


class TokenFromTransitions(Election):
    """The fencing token is the record's count of transitions, which begins anew with every object."""

    def _win(self, newest: Versioned, sent: SentWrite, now: float) -> None:
        if isinstance(newest.record, Record):
            newest = replace(newest, token_version=newest.record.transitions)
        super()._win(newest, sent, now)


class EpochIgnored(Election):
    """The fencing token is a version alone, also after an operator raised the epoch."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "epoch": 0})
