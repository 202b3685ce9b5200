"""Term: one tenure, whose validity is decided at the moment of use.

Nothing here waits for an event loop to say that the term is over: a loop that is blocked, a process that was
paused, a forked copy all find out by asking.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tenure.clock import boot_time
from tenure.errors import LeadershipLostError
from tenure.events import LossReason
from tenure.fork import fork_generation
from tenure.token import FencingToken

__all__ = ["AnyTerm", "Tenure", "Term"]

_log = logging.getLogger("tenure")


class Tenure:
    """The facts of a term, written by its driver and read from any thread.

    Args:
        token: the term's fencing token.
        deadline: when it is over unless it is renewed; boot time, seconds.
    """

    def __init__(self, token: FencingToken, deadline: float) -> None:
        self.token = token
        self.deadline = deadline
        self._generation = fork_generation()
        self._over: str | None = None
        self._ending = False
        self._denied = False
        # Who takes a watcher out calls it: so it is called once, without a lock that a fork would freeze.
        self._watchers: dict[object, Callable[[], object]] = {}

    def renew(self, deadline: float) -> None:
        """The term goes on until `deadline`; boot time, seconds."""
        self.deadline = deadline

    def begin_ending(self) -> None:
        """The term is being given up: valid, but its body is asked to end."""
        if self._generation == fork_generation():  # what watches in a forked copy waits for its parent's term
            self._ending = True
            for key in tuple(self._watchers):
                self._notify(key)

    def end(self, reason: LossReason | None = None) -> None:
        """The term is over: lost for `reason`, or given up."""
        if self._over is None:
            self._over = _REASONS[reason] if reason else "it was given up"
        self.begin_ending()

    def on_ending(self, watcher: Callable[[], object]) -> Callable[[], None]:
        """Call `watcher` once, when the term begins to end; at once if it already has. Any thread may ask.

        Returns:
            a function that takes it back.
        """
        key = object()  # the same watcher may come twice
        self._watchers[key] = watcher
        if self.is_ending():
            self._notify(key)

        def remove() -> None:
            self._watchers.pop(key, None)

        return remove

    @property
    def has_ended(self) -> bool:
        """Whether `end` was called: the term was lost or given up."""
        return self._over is not None

    @property
    def was_denied(self) -> bool:
        """Whether a `check` found the term valid, but not for as long as was wanted."""
        return self._denied

    def is_ending(self) -> bool:
        """Tell whether the body should end."""
        return self._ending or self.why_over() is not None

    def remaining_s(self) -> float:
        """Return for how many seconds the term is valid without a renewal; 0 when it is over."""
        return 0.0 if self.why_over() else max(0.0, self.deadline - boot_time())

    def why_over(self) -> str | None:
        """Return why the term is over; None: it is valid now."""
        if self._generation != fork_generation():
            return "it belongs to the process that this one was forked from"
        if self._over is not None:
            return self._over
        return _REASONS[LossReason.RENEW_DEADLINE] if boot_time() >= self.deadline else None

    def check(self, remaining_s: float = 0.0) -> None:
        """Raise `LeadershipLostError` unless the term is valid for `remaining_s` more seconds."""
        if reason := self.why_over():
            raise LeadershipLostError(f"the term {self.token} is over: {reason}")
        left = self.remaining_s()
        if left < remaining_s:
            self._denied = True
            raise LeadershipLostError(
                f"the term {self.token} has {left:.3f} s left, {remaining_s:g} s are wanted"
            )

    def _notify(self, key: object) -> None:
        watcher = self._watchers.pop(key, None)
        try:
            if watcher is not None:
                watcher()
        except Exception:
            _log.exception("a callback failed when the term %s began to end", self.token)


class AnyTerm:
    """What every view of a term offers, in whatever thread.

    Attributes:
        tenure: the facts, which all views of this term share.
    """

    def __init__(self, tenure: Tenure) -> None:
        self.tenure = tenure

    def __repr__(self) -> str:
        return f"<Term {self.token}, {self.remaining_s():.1f} s left>"

    @property
    def token(self) -> FencingToken:
        """The fencing token, to be checked by every resource that the body writes to."""
        return self.tenure.token

    def is_valid(self) -> bool:
        """Tell whether the term is valid at this moment."""
        return self.tenure.why_over() is None

    def check(self, remaining_s: float = 0.0) -> None:
        """Make sure that the term is valid, for at least `remaining_s` more seconds.

        Raises:
            LeadershipLostError: it is not; the message says why.
        """
        self.tenure.check(remaining_s)

    def remaining_s(self) -> float:
        """Return for how many seconds the term is valid without a further renewal; 0 when it is over."""
        return self.tenure.remaining_s()

    def is_ending(self) -> bool:
        """Tell whether the body should end: the term was lost, or is being given up (and is still valid)."""
        return self.tenure.is_ending()

    def on_ending(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back once, when the term begins to end: it is lost or given up, or its body has ended.

        It is called by tenure's event loop, so it must not block: in asyncio that is the body's own, for
        threads one in a thread of tenure's. If the term is ending already, it is called at once, right here.
        An error that it raises is logged, and hurts neither the term nor other callbacks.

        Returns:
            a function that takes it back.
        """
        return self.tenure.on_ending(callback)


class Term(AnyTerm):
    """One tenure, as a body in asyncio sees it. Made by a `LeaderElector`, never by hand."""

    def __init__(self, tenure: Tenure) -> None:
        super().__init__(tenure)
        self._ended = asyncio.Event()
        tenure.on_ending(self._ended.set)

    async def wait_ending(self, timeout: float | None = None) -> bool:
        """Wait until the body should end, at most `timeout` seconds; return whether it should."""
        if not self.is_ending():  # a term that was inherited by a fork is over, and nobody will tell
            try:
                async with asyncio.timeout(timeout):
                    await self._ended.wait()
            except TimeoutError:
                pass  # the answer is below
        return self.is_ending()


_REASONS = {
    LossReason.RENEW_DEADLINE: "it could not be renewed in time",
    LossReason.DRAIN_TIMEOUT: "the body did not end within drain_timeout",
    LossReason.OTHER_HOLDER: "another candidate holds the record",
    LossReason.FREED: "the record was freed by somebody else",
    LossReason.FOREIGN_WRITE: "the record was written by somebody else",
    LossReason.DELETED: "the record was deleted",
    LossReason.RECREATED: "the record was deleted and created again",
    LossReason.UNREADABLE: "the record cannot be read any more",
    LossReason.HISTORY_RESET: "the store's history went back",
    LossReason.INTERNAL_ERROR: "the elector failed",
}
