"""Everything that an election tells, as one table of contents; both cores emit these."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tenure.token import FencingToken

__all__ = [
    "Available",
    "CampaignStarted",
    "Elected",
    "EligibilityChanged",
    "EndingReason",
    "Event",
    "LeaderChanged",
    "LossReason",
    "Lost",
    "MemberAdded",
    "MemberRemoved",
    "Overrun",
    "RecordTrouble",
    "Released",
    "Renewed",
    "TermEnding",
    "Unavailable",
]


class EndingReason(StrEnum):
    """Why its holder gives a term up in order."""

    STOPPED = "stopped"
    GIVEN_UP = "given_up"
    REQUESTED = "requested"
    PREEMPTED = "preempted"
    INELIGIBLE = "ineligible"


class LossReason(StrEnum):
    """Why a term ended before its holder gave it up."""

    RENEW_DEADLINE = "renew_deadline"
    DRAIN_TIMEOUT = "drain_timeout"
    OTHER_HOLDER = "other_holder"
    FREED = "freed"
    FOREIGN_WRITE = "foreign_write"
    DELETED = "deleted"
    RECREATED = "recreated"
    UNREADABLE = "unreadable"
    HISTORY_RESET = "history_reset"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """The root of all events."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignStarted(Event):
    """This candidate wants to lead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Elected(Event):
    """This candidate leads; `deadline` is a boot time in seconds."""

    token: FencingToken
    deadline: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Renewed(Event):
    """The term goes on until `deadline` (boot time, seconds); `late_s`: how late the renewal was sent."""

    deadline: float
    late_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TermEnding(Event):
    """The term is being given up: the body is asked to end, and the term stays valid meanwhile.

    Attributes:
        reason: stopped: this candidate campaigns no more; given up: by the program itself; requested: in the
            record, by somebody outside; preempted: by a higher priority; ineligible: the program says so.
        heir: identity of the candidate that is to lead next; empty: nobody in particular.
    """

    reason: EndingReason
    heir: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost(Event):
    """The term is over now, whether the body has ended or not."""

    reason: LossReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Overrun(Event):
    """The body still runs at the hard limit, after which another may lead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Released(Event):
    """The record has been freed; others may take over at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaderChanged(Event):
    """What is known of the leader has changed.

    Attributes:
        leader: identity; empty: the record is free; None: unknown (nothing read yet, or what was read has run
            out, or cannot be decoded).
        is_self: this very candidate leads. Names are not enough: two processes can share one.
        token: of the leader's term, once it is published.
        reason: why the leader is unknown; empty where it is known.
    """

    leader: str | None
    is_self: bool
    token: FencingToken | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordTrouble(Event):
    """Something about the record, or a peer, that a person should know; emitted once per change of state."""

    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EligibilityChanged(Event):
    """The program says of itself that it may lead, or that it may not; `reason`: why not, if it told."""

    eligible: bool
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberAdded(Event):
    """In peer mode: another candidate is there, for the first time or again; `address`: ``HOST:PORT``."""

    member: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberRemoved(Event):
    """In peer mode: another candidate has stopped, or does not answer any more."""

    member: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unavailable(Event):
    """The lock's store cannot be reached or refuses; emitted once, when that begins or its cause changes."""

    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Available(Event):
    """The lock's store answers again."""
