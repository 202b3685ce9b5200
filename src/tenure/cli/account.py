"""Account: what is told of one election, for people and for programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tenure.cli.human_time import format_span
from tenure.cli.sight import Sight, State
from tenure.locks.times import format_micro_time
from tenure.record import Contender, Record

__all__ = ["COLUMNS", "NAMESPACE_COLUMN", "WIDE_COLUMNS", "Account", "Column"]

_EMPTY = Record(holder="")


class Account(NamedTuple):
    """One election at a moment.

    Attributes:
        sight: what was seen of it.
        now: boot time, seconds.
        wall: the wall clock's time. What follows from it and from times in the record is for people: the
            clocks of two machines differ, and nothing may be decided by them.
    """

    sight: Sight
    now: float
    wall: datetime

    @property
    def record(self) -> Record:
        """The record; an empty one in place of none."""
        return self.sight.record or _EMPTY

    def age_s(self, time: datetime | None) -> float | None:
        """Return how long ago a time in the record was, if its writer's clock is like ours; never below 0."""
        return None if time is None else max(0.0, (self.wall - time).total_seconds())

    @property
    def estimated_left_s(self) -> float | None:
        """How long the lease runs on, if its writer's clock is like ours; None: it does not."""
        renewed_s, lease_s = self.age_s(self.record.renew_time), _finite(self.record.lease_duration)
        if self.sight.state is not State.HELD or renewed_s is None or lease_s is None:
            return None
        return max(0.0, lease_s - renewed_s)

    def fields(self) -> dict[str, Any]:
        """Return what programs read, under the names of the reference; None: unknown, or there is none."""
        sight, record = self.sight, self.record
        token = record.token
        return {
            "name": sight.election.name,
            "namespace": sight.election.namespace,
            "lock": sight.election.kind,
            "state": sight.state.value,
            "holder": record.holder or None,
            "acquireTime": _format(record.acquire_time),
            "renewTime": _format(record.renew_time),
            "leaseDurationSeconds": _finite(record.lease_duration),
            "secondsLeft": _rounded(sight.seconds_left(self.now)),
            "estimatedSecondsLeft": _rounded(self.estimated_left_s),
            "token": None if token is None else str(token),
            "epoch": None if token is None else token.epoch,
            "transitions": record.transitions if sight.record else None,
            "candidates": [each._asdict() for each in sight.candidates] if sight.record else None,
            "attempt": None if record.attempt is None else str(record.attempt),
            "uid": sight.newest.uid or None,
            "resourceVersion": str(sight.newest.version) if sight.newest.record else None,
            "reason": sight.reason or None,
        }


class Column(NamedTuple):
    """A column of the table: its title, and what stands in it; empty: nothing is known."""

    title: str
    cell: Callable[[Account], str]


def _left(account: Account) -> str:
    if account.sight.state is State.EXPIRED:
        return "0s"
    measured_s, estimated_s = account.sight.seconds_left(account.now), account.estimated_left_s
    if measured_s is not None:
        return format_span(measured_s)
    if account.record.lease_duration == math.inf:
        # Of peers only their messages tell.
        return "" if account.sight.election.kind == "peers" else "for ever"
    return "" if estimated_s is None else f"~{format_span(estimated_s)}"


def _since(account: Account) -> str:
    return _span(account.age_s(account.record.acquire_time)) if account.record.holder else ""


def _renewed(account: Account) -> str:
    return _span(account.age_s(account.record.renew_time), "~") if account.record.holder else ""


def _of_record(tell: Callable[[Record], object]) -> Callable[[Account], str]:
    """Return what is told of a record that there is; None stands for nothing."""

    def cell(account: Account) -> str:
        told = tell(account.record) if account.sight.record else None
        return "" if told is None else str(told)

    return cell


NAMESPACE_COLUMN = Column("NAMESPACE", lambda account: account.sight.election.namespace)
COLUMNS = (
    Column("NAME", lambda account: account.sight.election.name),
    Column("LOCK", lambda account: account.sight.election.kind),
    Column("STATE", lambda account: account.sight.state.value),
    Column("HOLDER", _of_record(lambda record: record.holder)),
    Column("HELD-FOR", _since),
    Column("LEFT", _left),
    Column("TOKEN", _of_record(lambda record: record.token)),
    Column("TRANSITIONS", _of_record(lambda record: record.transitions)),
    Column("CANDIDATES", lambda account: _names(account.sight.candidates)),
)
WIDE_COLUMNS = (
    Column("RENEWED", _renewed),
    Column("LEASE", _of_record(lambda record: _lease(record.lease_duration))),
    Column("EPOCH", _of_record(lambda record: record.token and record.token.epoch)),
    Column("ATTEMPT", _of_record(lambda record: record.attempt)),
    Column("UID", lambda account: account.sight.newest.uid),
    Column("VERSION", lambda account: str(account.sight.newest.version or "")),
)


def _names(contenders: Sequence[Contender]) -> str:
    return ",".join(
        f"{each.identity}({each.priority})" if each.priority else each.identity for each in contenders
    )


def _finite(seconds: float | None) -> float | None:
    return None if seconds == math.inf else seconds


def _lease(seconds: float | None) -> str | None:
    return None if _finite(seconds) is None else f"{seconds:g}s"


def _span(seconds: float | None, sign: str = "") -> str:
    return "" if seconds is None else sign + format_span(seconds)


def _format(time: datetime | None) -> str | None:
    return None if time is None else format_micro_time(time)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
