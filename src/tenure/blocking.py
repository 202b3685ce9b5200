"""The same names for threads: the body runs in the calling thread and polls its term.

A background thread runs an event loop with the asyncio elector in it, which decides everything. Because that
loop is its own, blocking work never delays a renewal.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from tenure import elector, observer
from tenure.events import Event, LeaderChanged
from tenure.loop_thread import Job, LoopThread, entered
from tenure.outlast import outlast
from tenure.signals import EXIT_STATUS_SIGTERM, on_sigterm_here
from tenure.term import AnyTerm, Tenure
from tenure.term import Term as AsyncTerm

__all__ = ["LeaderElector", "LeaderObserver", "Term"]

Params = ParamSpec("Params")
ResultT = TypeVar("ResultT")


class Term(AnyTerm):
    """One tenure, as a body in a thread sees it. Made by a `LeaderElector`, never by hand."""

    def __init__(self, tenure: Tenure) -> None:
        super().__init__(tenure)
        self._ended = threading.Event()
        tenure.on_ending(self._ended.set)

    def wait_ending(self, timeout: float | None = None) -> bool:
        """Wait until the body should end, at most `timeout` seconds; return whether it should."""
        if not self.is_ending():  # a term that was inherited by a fork is over, and nobody will tell
            self._ended.wait(timeout)
        return self.is_ending()


class _Looking:
    """What electors and observers tell of the leader, for threads."""

    def __init__(self, watcher: elector.LeaderElector | observer.LeaderObserver) -> None:
        self._watcher = watcher

    @property
    def leader(self) -> str | None:
        """Identity of the leader; empty: there is none; None: unknown. Never ask it whether *you* lead."""
        return self._watcher.leader

    @property
    def latest(self) -> LeaderChanged:
        """What is known of the leader now, with its token, or the reason why it is unknown."""
        return self._watcher.latest

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call back with every event (`tenure.events`), in tenure's thread; it must not block.

        Returns:
            a function that ends the subscription.
        """
        return self._watcher.subscribe(callback)

    def changes(self) -> Iterator[LeaderChanged]:
        """Iterate over what is known of the leader: the present state, then each change, the latest only."""
        changed = threading.Event()
        unsubscribe = self.subscribe(lambda _: changed.set())
        told = None
        try:
            while True:
                changed.clear()
                if (latest := self.latest) != told:
                    told = latest
                    yield latest
                changed.wait()
        finally:
            unsubscribe()


class LeaderElector(_Looking):
    """Campaigns for one election, and runs work in threads while elected.

    Takes the arguments of `tenure.LeaderElector`, and raises what that raises.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._elector = elector.LeaderElector(*args, **kwargs)
        super().__init__(self._elector)

    def is_leader(self) -> bool:
        """Tell whether this elector, in this process, leads at this moment."""
        return self._elector.is_leader()

    def leader_only(self, function: Callable[Params, ResultT]) -> Callable[Params, ResultT]:
        """Decorate a function that may be called only while this elector leads, from any thread.

        The same as `tenure.LeaderElector.leader_only`.
        """
        return self._elector.leader_only(function)

    def resign(self) -> None:
        """Give up the present term early; see `tenure.LeaderElector.resign`."""
        self._elector.resign()

    def transfer(self, to: str) -> None:
        """Give up the present term for one candidate; see `tenure.LeaderElector.transfer`."""
        self._elector.transfer(to)

    def run(self, work: Callable[[Term], ResultT], *, handle_signals: bool = True) -> ResultT:
        """Campaign, run `work` in this thread while elected, campaign again after a loss; return its result.

        A thread cannot be cancelled: `work` polls ``term.wait_ending`` or calls ``term.check``. SIGTERM is
        handled as by `tenure.LeaderElector.run`.

        Args:
            work: a function that takes the `Term`.
            handle_signals: False: leave SIGTERM alone.

        Raises:
            TypeError: `work` is a coroutine function; use `tenure.LeaderElector`.
            ConfigurationError, PermissionDeniedError: before the first successful read; later never.
            Exception: whatever `work` raised of its own; the term is released first.
        """
        _check_work(work)
        shifts: queue.SimpleQueue[_Shift | None] = queue.SimpleQueue()
        shift: _Shift | None = None
        with LoopThread() as thread:
            job: Job[ResultT] = thread.begin(self._elector.run(_hand_to(shifts.put), handle_signals=False))
            job.ended.add_done_callback(lambda _: shifts.put(None))
            try:
                with on_sigterm_here(job.cancel, wanted=handle_signals) as came:
                    while (shift := shifts.get()) is not None:
                        shift.work(work)
                        if job.is_inherited():
                            break
            except BaseException:
                # Cancelled first, so that no further campaign begins; then no body is left to wait for.
                job.cancel()
                if shift is not None:
                    shift.leave()
                job.ended.add_done_callback(lambda _: shifts.put(None))
                while not job.is_inherited() and (shift := shifts.get()) is not None:
                    shift.leave()
                raise
            if came():
                raise SystemExit(EXIT_STATUS_SIGTERM)
            return job.result()

    @contextmanager
    def term(self) -> Iterator[Term]:
        """Hold one term: campaign on entry, release on exit.

        The block is not interrupted: it polls the term, as `run`'s work does.

        Raises:
            LeadershipLostError: on exit: the term ended first.
            ConfigurationError, PermissionDeniedError: on entry.
            RuntimeError: this elector is in use already.
        """
        begun: Future[Term] = Future()
        left: Future[None] = Future()
        with LoopThread() as thread:
            job = thread.begin(self._hold(begun, left))
            try:
                _first_of(begun, job.ended)
                if job.ended.done():
                    job.result()
                yield begun.result()
            except BaseException:
                if not job.is_inherited():
                    left.set_result(None)
                    job.cancel()
                    job.wait()
                raise
            left.set_result(None)
            job.result()

    @contextmanager
    def running(self, work: Callable[[Term], object]) -> Iterator[Self]:
        """Campaign in the background and run `work` in a thread whenever elected, until the block ends.

        An error of `work` is logged; the term is released, and the next campaign begins after a pause.

        Raises:
            TypeError: `work` is a coroutine function; use `tenure.LeaderElector`.
            ConfigurationError, PermissionDeniedError: on entry, if the store answers at once.
        """
        _check_work(work)

        def start(shift: _Shift) -> None:
            threading.Thread(target=shift.work_apart, args=(work,), name="tenure work").start()

        with entered(self._elector.running(_hand_to(start))):
            yield self

    async def _hold(self, begun: Future[Term], left: Future[None]) -> None:
        async with self._elector.term() as term:
            begun.set_result(Term(term.tenure))
            await _until(left)


class LeaderObserver(_Looking):
    """Watches one election: ``with LeaderObserver("reports") as seen: print(seen.leader)``.

    Takes the arguments of `tenure.LeaderObserver`, and raises what that raises.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._observer = observer.LeaderObserver(*args, **kwargs)
        super().__init__(self._observer)

    def __enter__(self) -> Self:
        """Begin to watch, in a thread; wait for the first answer of the store, or its first failure."""
        self._entered: AbstractContextManager[object] = entered(self._observer)
        self._entered.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.__exit__(kind, error, trace)


class _Shift:
    """One body, handed from the event loop's thread to the one that runs it."""

    def __init__(self, term: Term) -> None:
        self.term = term
        self.ended: Future[Any] = Future()

    def work(self, work: Callable[[Term], Any]) -> None:
        """Run the body here; its outcome goes back to the event loop, but for an interrupt or an exit."""
        try:
            result = work(self.term)
        except Exception as error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(result)

    def work_apart(self, work: Callable[[Term], Any]) -> None:
        """Run the body in a thread of its own, which an exit ends, and nothing more."""
        try:
            self.work(work)
        finally:
            self.leave()

    def leave(self) -> None:
        """No body runs any more, however it ended."""
        if not self.ended.done():
            self.ended.set_result(None)


def _hand_to(take: Callable[[_Shift], object]) -> Callable[[AsyncTerm], Any]:
    """Return an asynchronous body that lets somebody else's thread run the real one."""

    async def body(term: AsyncTerm) -> Any:
        shift = _Shift(Term(term.tenure))
        take(shift)
        await _until(shift.ended)
        return shift.ended.result()

    return body


async def _until(ended: Future[Any]) -> None:
    """Wait through every cancellation: a thread cannot be cancelled, and its body ends when it ends."""
    here = asyncio.wrap_future(ended)
    cancelled = await outlast(here)
    # (asyncio logs an error of a future that nobody has asked for it.)
    if here.exception() is None and cancelled:
        raise asyncio.CancelledError


def _first_of(begun: Future[Any], ended: Future[Any]) -> None:
    either = threading.Event()
    for future in (begun, ended):
        future.add_done_callback(lambda _: either.set())
    either.wait()


def _check_work(work: object) -> None:
    if not callable(work) or any(map(inspect.iscoroutinefunction, (work, type(work).__call__))):
        raise TypeError(
            f"work must be a plain function, not {work!r}; for coroutine functions use tenure.LeaderElector"
        )
