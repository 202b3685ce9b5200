"""leader_only: a function that refuses to be called by a candidate that does not lead."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from tenure.errors import NotLeaderError
from tenure.events import LeaderChanged

__all__ = ["leader_only", "not_leader"]

Params = ParamSpec("Params")
ResultT = TypeVar("ResultT")


class Candidate(Protocol):
    """What is asked of an elector."""

    identity: str

    def describe(self) -> str:
        """Return where its election is held."""
        ...

    def is_leader(self) -> bool:
        """Tell whether it leads at this moment."""
        ...

    @property
    def latest(self) -> LeaderChanged:
        """What is known of the leader."""
        ...


def leader_only(candidate: Candidate, function: Callable[Params, ResultT]) -> Callable[Params, ResultT]:
    """Return `function` with a check in front of it that `candidate` leads.

    Raises:
        NotLeaderError: by the function that is returned.
        TypeError: `function` is none.
    """
    if not callable(function) or isinstance(function, staticmethod | type):
        raise TypeError(f"leader_only decorates a function, not {function!r}; put it below @staticmethod")

    @functools.wraps(function)
    def checked(*args: Params.args, **kwargs: Params.kwargs) -> ResultT:
        _check(candidate, function)
        return function(*args, **kwargs)

    @functools.wraps(function)
    async def checked_coroutine(*args: Params.args, **kwargs: Params.kwargs) -> Any:
        _check(candidate, function)
        return await cast("Any", function(*args, **kwargs))

    # (A framework tells the two kinds apart by looking at the decorated function.)
    is_async = any(map(inspect.iscoroutinefunction, (function, type(function).__call__)))
    return cast("Callable[Params, ResultT]", checked_coroutine if is_async else checked)


def not_leader(candidate: Candidate, what: str) -> NotLeaderError:
    """Return the error that says that `what` is for the leader only, and who that is."""
    latest = candidate.latest
    if latest.leader is None:
        others = f"who leads is unknown: {latest.reason}"
    else:
        others = f"{latest.leader!r} leads" if latest.leader else "nobody leads"
    election = candidate.describe()
    return NotLeaderError(
        f"{what} is for the leader of {election} only, which {candidate.identity!r} is not; {others}"
    )


def _check(candidate: Candidate, function: Callable[..., object]) -> None:
    if not candidate.is_leader():
        raise not_leader(candidate, getattr(function, "__qualname__", repr(function)))
