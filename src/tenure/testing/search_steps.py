"""Steps: what can happen next in a world that is searched, in the commands of a transcript."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tenure.record import Versioned
from tenure.requests import ReadRequest, WriteRequest
from tenure.states import State
from tenure.testing.search_actor import Actor
from tenure.testing.world import Candidate

__all__ = ["Limits", "Step", "is_doomed", "news_for", "steps_from"]

_CAN_RESIGN = (State.CAMPAIGNING, State.PROVING, State.LEADING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How often things go wrong that nothing else limits, in one run.

    Attributes:
        deletions: of the record; at most one.
        resignations: campaigns and terms that are given up, and bodies that return.
        restarts: processes that die and come again, with the old or another identity and no memory.
        pauses: processes that stand still for a while.
        refreshes: watches that end, so that a read is wanted.
        limbo: writes of one candidate without an answer, not applied yet, that may yet be accepted.
        news: how many of the newest facts a watch may still tell.
        stale_news: a watch may also tell what is older than what is known.
    """

    deletions: int = 0
    resignations: int = 1
    restarts: int = 0
    pauses: int = 0
    refreshes: int = 0
    limbo: int = 1
    news: int = 2
    stale_news: bool = False

    def __post_init__(self) -> None:
        if self.deletions not in (0, 1):
            raise ValueError(
                f"deletions must be 0 or 1, not {self.deletions}: what more of them excuse is unknown"
            )


class Step(NamedTuple):
    """One command of a transcript, or the few of a restart.

    Attributes:
        verb: of the command.
        name: of the candidate; empty where it takes none.
        argument: the rest.
        costs: the name of the limit that it counts against; empty: none.
    """

    verb: str
    name: str = ""
    argument: str = ""
    costs: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.verb, self.name, self.argument]))


def is_doomed(request: WriteRequest, head: Versioned, deletions_left: int) -> bool:
    """Tell whether a write can never be accepted any more: versions only rise."""
    if request.base is None:
        return head.record is not None and not deletions_left
    return head.record is None or (request.base.version, request.base.uid) != (head.version, head.uid)


def news_for(candidate: Candidate, newest: int, limits: Limits) -> range:
    """Return the versions that a watch of this candidate can tell, up to the `newest`."""
    known = candidate.core.newest
    oldest = newest - limits.news + 1
    if known is not None and not limits.stale_news:
        oldest = max(oldest, known.version + 1)
    return range(max(oldest, 1), newest + 1)


def steps_from(actors: Iterable[Actor], head: Versioned, left: Limits, tick: float) -> Iterator[Step]:
    """Yield all steps that are possible.

    Args:
        actors: all candidates.
        head: the newest fact.
        left: what may still happen.
        tick: seconds by which time goes on.
    """
    for actor in actors:
        candidate = actor.candidate
        for number in candidate.limbo:
            yield Step("land", candidate.name, str(number))
        if not actor.is_dead:
            yield from _steps_of(candidate, head, left)
        elif not candidate.applied and isinstance(candidate.pending, WriteRequest):
            yield Step("apply", candidate.name)
    if left.deletions and head.record is not None:
        yield Step("delete", costs="deletions")
    yield Step("advance", argument=f"{tick:g}s")


def _steps_of(candidate: Candidate, head: Versioned, left: Limits) -> Iterator[Step]:
    name = candidate.name
    if candidate.pending is not None:
        yield Step("answer", name)
        if not candidate.applied:
            yield Step("apply", name)
        if _can_be_lost(candidate, left):
            yield Step("lose", name)
    for version in news_for(candidate, head.version, left):
        yield Step("tell", name, f"v{version}")
    if candidate.paused:
        yield Step("wake", name)
    else:
        yield from _steps_of_the_program(candidate, left)
    if left.restarts:
        yield Step("restart", name, f"as {name}", costs="restarts")
        yield Step("restart", name, costs="restarts")


def _steps_of_the_program(candidate: Candidate, left: Limits) -> Iterator[Step]:
    state = candidate.core.state
    if left.pauses:
        yield Step("pause", candidate.name, costs="pauses")
    if left.refreshes and candidate.pending is None and candidate.core.newest is not None:
        yield Step("refresh", candidate.name, costs="refreshes")
    if state is State.IDLE:
        yield Step("campaign", candidate.name)
    if state in (State.LOST, State.DRAINING):
        yield Step("body-ended", candidate.name)
    if left.resignations and state is State.LEADING:
        yield Step("body-ended", candidate.name, costs="resignations")
    if left.resignations and state in _CAN_RESIGN:
        yield Step("resign", candidate.name, costs="resignations")


def _can_be_lost(candidate: Candidate, left: Limits) -> bool:
    if candidate.applied or isinstance(candidate.pending, ReadRequest):
        return True
    return len(candidate.limbo) < left.limbo
