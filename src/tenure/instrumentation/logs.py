"""The log of an election, on the logger ``tenure``: one line per change of state, none per attempt."""

from __future__ import annotations

import logging
from collections.abc import Callable

from tenure.events import (
    Available,
    CampaignStarted,
    Elected,
    EligibilityChanged,
    EndingReason,
    Event,
    LeaderChanged,
    Lost,
    MemberAdded,
    MemberRemoved,
    RecordTrouble,
    Released,
    Renewed,
    TermEnding,
    Unavailable,
)
from tenure.timing import Timing

__all__ = ["log_events"]

_log = logging.getLogger("tenure")
_WHY_ENDING = {
    EndingReason.STOPPED: "this candidate stops",
    EndingReason.GIVEN_UP: "its program wants to",
    EndingReason.REQUESTED: "somebody asked for it in the record",
    EndingReason.PREEMPTED: "a higher priority asked for it",
    EndingReason.INELIGIBLE: "it is not eligible",
}


def log_events(where: Callable[[], str], identity: str, timing: Timing) -> Callable[[Event], None]:
    """Return a subscriber that logs the events of one election.

    Args:
        where: returns the lock's description, which may be complete only once the lock is open.
        identity: of the candidate; empty: an observer, which is none.
        timing: a renewal that is late by more than a fifth of what D leaves is worth a warning.
    """
    tolerated_s = (timing.renew_deadline - timing.renew_period) / 5

    told = ""
    late = False

    def log(event: Event) -> None:
        nonlocal told, late
        if isinstance(event, Renewed):
            was_late, late = late, event.late_s > tolerated_s
            level, message = logging.WARNING, _late_line(event) if late and not was_late else ""
        else:
            level, message = _line(event, identity)
        if message and message != told:
            told = message
            _log.log(level, "%s: %s", where(), message)

    return log


def _late_line(event: Renewed) -> str:
    return (
        f"renewed {event.late_s:.2f} s late: the API server, or a majority of the peers, is slow, or the "
        "event loop was blocked (move blocking work to a thread, or use tenure.blocking)"
    )


def _line(event: Event, identity: str) -> tuple[int, str]:
    if isinstance(event, LeaderChanged):
        return _leader_line(event)
    match event:
        case CampaignStarted():
            return logging.INFO, f"campaigning as {identity}"
        case Elected():
            return logging.INFO, f"leading as {identity}, token {event.token}"
        case TermEnding():
            heir = f" for {event.heir}" if event.heir else ""
            why = _WHY_ENDING[event.reason]
            return logging.INFO, f"giving the term up{heir}: {why}; waiting for the work to end"
        case Lost():
            return logging.WARNING, f"term lost: {event.reason}"
        case Released():
            return logging.INFO, "released"
        case RecordTrouble() | Unavailable():
            return logging.WARNING, event.message
        case EligibilityChanged():
            reason = f" ({event.reason})" if event.reason else ""
            return (
                logging.INFO,
                "eligible" if event.eligible else f"not eligible{reason}: it does not campaign",
            )
        case Available():
            return logging.INFO, "the store answers again"
        case MemberAdded():
            return logging.INFO, f"{event.member} is there, at {event.address}"
        case MemberRemoved():
            return logging.INFO, f"{event.member} is gone"
    return logging.DEBUG, ""


def _leader_line(event: LeaderChanged) -> tuple[int, str]:
    if event.is_self:
        return logging.DEBUG, ""
    if event.leader is None:
        return logging.DEBUG, f"leader unknown: {event.reason}"
    return logging.INFO, f"{event.leader} leads" if event.leader else "nobody leads"
