"""Office: a candidacy in use, which holds terms one after another; the scope of the body.

Losing a term cancels its body, stopping drains it, and nothing is released and no campaign begins before it
has ended (rules 1 and 6).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from tenure.candidacy import Candidacy
from tenure.errors import LeadershipLostError
from tenure.events import Elected, Event, Lost, Overrun, Renewed, TermEnding
from tenure.term import Tenure, Term

__all__ = ["Office", "OnOverrun", "Outcome"]

_log = logging.getLogger("tenure")
_EXIT_STATUS_OVERRUN = 70

ResultT = TypeVar("ResultT")
OnOverrun = Literal["log", "exit"] | Callable[[], None]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[ResultT]):
    """How one turn in office ended: `result` counts only where `finished`."""

    finished: bool
    result: ResultT | None = None


class Office:
    """Turns the events of a candidacy into terms.

    Args:
        on_overrun: what to do when a body still runs at the hard limit.

    Attributes:
        candidacy: set once it is connected, before anything else is called.
        tenure: the present term; None: there is none, or its body has ended.
        stopped: a stop was asked for; no further campaign begins.
    """

    candidacy: Candidacy

    def __init__(self, on_overrun: OnOverrun) -> None:
        self._on_overrun = on_overrun
        self._elected: asyncio.Future[Tenure | None] | None = None
        self._on_ending: Callable[[], object] = _nothing
        self._on_loss: Callable[[], object] = _nothing
        self.tenure: Tenure | None = None
        self.stopped = False

    def handle(self, event: Event) -> None:
        """Take in an event of the candidacy."""
        tenure = self.tenure
        if isinstance(event, Elected):
            self.tenure = Tenure(event.token, event.deadline)
            self._answer(self.tenure)
        elif isinstance(event, Overrun):
            self._overrun()
        elif tenure is None:
            return
        elif isinstance(event, Renewed):
            tenure.renew(event.deadline)
        elif isinstance(event, TermEnding):
            tenure.begin_ending()
            self._on_ending()
        elif isinstance(event, Lost):
            tenure.end(event.reason)
            self._on_loss()

    def stop(self) -> None:
        """Begin no further campaign, and give up what there is; the body is asked to end."""
        self.stopped = True
        self.candidacy.resign()
        self._answer(None)

    async def elect(self) -> Tenure | None:
        """Campaign until elected; None: stopped meanwhile.

        Raises:
            PermissionDeniedError, ConfigurationError: before the first successful read.
        """
        if self.stopped:
            return None
        self._elected = asyncio.get_running_loop().create_future()
        try:
            self.candidacy.campaign()
            either: set[asyncio.Future[Any]] = {self._elected, self.candidacy.failed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not self._elected.done():
                self.candidacy.failed.result()
            return self._elected.result()
        except BaseException:
            await self._withdraw()
            raise
        finally:
            self._elected = None

    async def serve(self, work: Callable[[Term], Awaitable[ResultT]]) -> Outcome[ResultT]:
        """Hold one term: campaign, run `work`, release.

        Raises:
            asyncio.CancelledError: cancelled from outside; the body has drained, the term is released.
            Exception: whatever `work` raised of its own.
        """
        tenure = await self.elect()
        if tenure is None:
            return Outcome(finished=False)
        body = asyncio.create_task(_begin(work, Term(tenure)), name="tenure body")
        # Cancelled when the term begins to end, and once more if it is lost while the body drains.
        self._on_ending = self._on_loss = body.cancel
        if tenure.is_ending():
            body.cancel()
        cancelled = await _outlast(body, self.candidacy.resign)
        over = tenure.why_over()
        cancelled |= await self.leave()
        if cancelled:
            _log_error_of(body)
            raise asyncio.CancelledError
        return self._judge(body, tenure, over)

    async def leave(self) -> bool:
        """The body has ended: release, if there is something to release; return whether it was cancelled."""
        tenure, self.tenure = self.tenure, None
        self._on_ending = self._on_loss = _nothing
        self.candidacy.body_ended()
        if tenure:
            tenure.end()
        return await _outlast(asyncio.ensure_future(self.candidacy.wait_idle()), _nothing)

    def on_loss(self, callback: Callable[[], object]) -> None:
        """Call back if the present term is lost."""
        self._on_loss = callback

    def _judge(self, body: asyncio.Future[ResultT], tenure: Tenure, over: str | None) -> Outcome[ResultT]:
        if self.candidacy.failed.done():
            self.candidacy.failed.result()
        if body.cancelled():
            if not tenure.was_asked_to_end:
                raise asyncio.CancelledError
            return Outcome(finished=False)
        error = body.exception()
        if isinstance(error, LeadershipLostError):
            return Outcome(finished=False)
        if error is not None:
            raise error
        return Outcome(finished=over is None, result=body.result())

    async def _withdraw(self) -> None:
        if self.tenure is not None:
            await self.leave()
        else:
            self.candidacy.resign()
            await _outlast(asyncio.ensure_future(self.candidacy.wait_idle()), _nothing)

    def _answer(self, tenure: Tenure | None) -> None:
        if self._elected is not None and not self._elected.done():
            self._elected.set_result(tenure)

    def _overrun(self) -> None:
        _log.error("the body still runs at the hard limit: another candidate may lead from now on")
        if self._on_overrun == "exit":
            os._exit(_EXIT_STATUS_OVERRUN)
        elif callable(self._on_overrun):
            self._on_overrun()


async def _begin(work: Callable[[Term], Awaitable[ResultT]], term: Term) -> ResultT:
    return await work(term)


async def _outlast(task: asyncio.Future[ResultT], on_cancel: Callable[[], object]) -> bool:
    """Wait until `task` has ended, through every cancellation; return whether there was one."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
            on_cancel()
    return cancelled


def _log_error_of(body: asyncio.Future[ResultT]) -> None:
    if not body.cancelled() and (error := body.exception()) is not None:
        _log.error("the body failed while it was cancelled", exc_info=error)


def _nothing() -> None:
    pass
