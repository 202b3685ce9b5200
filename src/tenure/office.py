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
from tenure.clock import boot_time
from tenure.errors import LeadershipLostError
from tenure.events import Elected, Event, LossReason, Lost, Overrun, Renewed, TermEnding
from tenure.fork import fork_generation
from tenure.outlast import outlast
from tenure.term import Tenure, Term

__all__ = ["Office", "OnOverrun", "Outcome", "is_loss"]

_log = logging.getLogger("tenure")
_EXIT_STATUS_OVERRUN = 70

ResultT = TypeVar("ResultT")
OnOverrun = Literal["log", "exit"] | Callable[[], None]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[ResultT]):
    """How one turn in office ended: `result` counts only where `finished`.

    Attributes:
        finished: the work returned while its term was valid, and had not been asked to end.
        result: what it returned.
    """

    finished: bool
    result: ResultT | None = None


class Office:
    """Turns the events of a candidacy into terms.

    Args:
        on_overrun: what to do when a body still runs at the hard limit.
        pause_s: seconds until the next campaign, after work has thrown a valid term away.

    Attributes:
        candidacy: set by `connect`, before anything else is called.
        loop: the event loop that it runs in.
        tenure: the present term; None: there is none, or its body has ended.
        held_s: for how many seconds the body of the last term ran.
    """

    candidacy: Candidacy

    def __init__(self, on_overrun: OnOverrun, pause_s: float) -> None:
        self._on_overrun = on_overrun
        self._pause_s = pause_s
        self.loop = asyncio.get_running_loop()
        self._generation = fork_generation()
        self._stopping = asyncio.Event()
        self._elected: asyncio.Future[Tenure | None] | None = None
        self._on_ending: Callable[[], object] = _nothing
        self._on_loss: Callable[[], object] = _nothing
        self.tenure: Tenure | None = None
        self.held_s = 0.0

    def connect(self, candidacy: Candidacy) -> None:
        """Use a candidacy; if it fails for good, the term is lost (rule 1)."""
        self.candidacy = candidacy
        candidacy.failed.add_done_callback(lambda _: self._lose(LossReason.INTERNAL_ERROR))

    @property
    def stopped(self) -> bool:
        """A stop was asked for; no further campaign begins."""
        return self._stopping.is_set()

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
            self._lose(event.reason)

    def stop(self) -> None:
        """Begin no further campaign, and give up what there is; the body is asked to end."""
        self._stopping.set()
        self.candidacy.resign()
        self._answer(None)

    async def elect(self) -> Tenure | None:
        """Campaign until elected; None: stopped meanwhile.

        Raises:
            PermissionDeniedError, ConfigurationError: before the first successful read.
            LeadershipLostError: this is a copy in a forked process, which campaigns for nothing.
        """
        if self._generation != fork_generation():
            raise LeadershipLostError("the elector belongs to the process that this one was forked from")
        if self.candidacy.failed.done():
            self.candidacy.failed.result()
        if self.stopped:
            return None
        self._elected = asyncio.get_running_loop().create_future()
        try:
            self.candidacy.campaign()
            either: set[asyncio.Future[Any]] = {self._elected, self.candidacy.failed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not self._elected.done():
                self.candidacy.failed.result()
            if (tenure := self._elected.result()) is None and await self._withdraw():
                raise asyncio.CancelledError
            return tenure
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
        began = boot_time()
        cancelled = await outlast(body, self.candidacy.resign)
        self.held_s = boot_time() - began
        over, ending = tenure.why_over(), tenure.is_ending()
        cancelled |= await self.leave()
        if cancelled:
            _log_error_of(body)
            raise asyncio.CancelledError
        if body.cancelled() and not ending:
            raise asyncio.CancelledError  # the work's own
        given_up = body.cancelled() or _gave_up(body, over is not None or tenure.was_denied)
        if over is None and given_up and not ending:
            await self._pause()
        return body.result() if over is None and not given_up else Outcome(finished=False)

    async def leave(self) -> bool:
        """The body has ended: release, if there is something to release; return whether it was cancelled."""
        tenure, self.tenure = self.tenure, None
        self._on_ending = self._on_loss = _nothing
        if tenure:
            tenure.end()
        self.candidacy.body_ended()
        return await outlast(asyncio.ensure_future(self.candidacy.wait_idle()))

    def on_loss(self, callback: Callable[[], object]) -> None:
        """Call back if the present term is lost."""
        self._on_loss = callback

    async def _withdraw(self) -> bool:
        """Give up what the campaign has led to so far; return whether it was cancelled."""
        if self.tenure is not None:
            return await self.leave()
        self.candidacy.resign()
        return await outlast(asyncio.ensure_future(self.candidacy.wait_idle()))

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._pause_s):
                await self._stopping.wait()
        except TimeoutError:
            pass  # as intended

    def _lose(self, reason: LossReason) -> None:
        if self.tenure is not None and not self.tenure.has_ended:
            self.tenure.end(reason)
            self._on_loss()

    def _answer(self, tenure: Tenure | None) -> None:
        if self._elected is not None and not self._elected.done():
            self._elected.set_result(tenure)

    def _overrun(self) -> None:
        _log.error("the body still runs at the hard limit: another candidate may lead from now on")
        if self._on_overrun == "exit":
            os._exit(_EXIT_STATUS_OVERRUN)
        elif callable(self._on_overrun):
            try:
                self._on_overrun()
            except Exception:
                _log.exception("on_overrun failed")


def is_loss(error: BaseException) -> bool:
    """Tell whether an error says that leadership was lost, and nothing else; a `TaskGroup` wraps it."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(LeadershipLostError)[1] is None
    return isinstance(error, LeadershipLostError)


async def _begin(work: Callable[[Term], Awaitable[ResultT]], term: Term) -> Outcome[ResultT]:
    result = await work(term)
    # Work that ends because it was asked to has not finished: it goes on in another term, here or elsewhere.
    return Outcome(not term.is_ending(), result)


def _gave_up(body: asyncio.Future[Any], may_be_lost: bool) -> bool:
    """Tell whether the work ended for want of a term; raise any error of its own."""
    error = body.exception()
    if error is not None and not (may_be_lost and is_loss(error)):
        raise error
    return error is not None


def _log_error_of(body: asyncio.Future[Any]) -> None:
    """Tell of an error that a cancellation hides; not of the loss or the exit that comes with one."""
    error = None if body.cancelled() else body.exception()
    if isinstance(error, Exception) and not is_loss(error):
        _log.error("the body failed while it was cancelled", exc_info=error)


def _nothing() -> None:
    pass
