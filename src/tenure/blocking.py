"""The same names for threads: the body runs in the calling thread and polls its term.

A background thread runs an event loop with the asyncio elector in it, which decides everything. Because that
loop is its own, blocking work never delays a renewal.
"""

from __future__ import annotations

import asyncio
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from tenure import elector, observer
from tenure.errors import LeadershipLostError
from tenure.events import Event, LeaderChanged
from tenure.loop_thread import Job, LoopThread, entered
from tenure.signals import EXIT_STATUS_SIGTERM
from tenure.term import AnyTerm, Tenure
from tenure.term import Term as AsyncTerm

__all__ = ["LeaderElector", "LeaderObserver", "Term"]

ResultT = TypeVar("ResultT")


class Term(AnyTerm):
    """One tenure, as a body in a thread sees it. Made by a `LeaderElector`, never by hand."""

    def __init__(self, tenure: Tenure) -> None:
        super().__init__(tenure)
        self._ended = threading.Event()
        tenure.on_ending(self._ended.set)

    def wait_ending(self, timeout: float | None = None) -> bool:
        """Wait until the body should end, at most `timeout` seconds; return whether it should."""
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
        with LoopThread() as thread:
            job: Job[ResultT] = thread.begin(self._elector.run(_hand_to(shifts.put), handle_signals=False))
            job.ended.add_done_callback(lambda _: shifts.put(None))
            try:
                with _on_sigterm(job.cancel) if handle_signals else _nobody() as stopped:
                    while (shift := shifts.get()) is not None:
                        shift.work(work)
                    if stopped():
                        raise SystemExit(EXIT_STATUS_SIGTERM)
                return job.result()
            except BaseException:
                job.cancel()
                job.ended.result()
                raise

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
            job.ended.add_done_callback(lambda _: begun.done() or begun.cancel())
            try:
                _first_of(begun, job.ended)
                if job.ended.done():
                    job.result()
                yield begun.result()
            except BaseException:
                left.set_result(None)
                job.cancel()
                job.ended.result()
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
            threading.Thread(target=shift.work, args=(work,), name="tenure work").start()

        with entered(self._elector.running(_hand_to(start))):
            yield self

    async def _hold(self, begun: Future[Term], left: Future[None]) -> None:
        async with self._elector.term() as term:
            begun.set_result(Term(term.tenure))
            await _outlast(left)


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
        """Run the body here; its outcome goes back to the event loop."""
        try:
            self.ended.set_result(work(self.term))
        except Exception as error:
            self.ended.set_exception(error)
        except BaseException as error:
            # An interrupt ends this thread's work; for the election the body has just ended.
            self.ended.set_exception(LeadershipLostError(f"the body was left by {error!r}"))
            raise


def _hand_to(take: Callable[[_Shift], object]) -> Callable[[AsyncTerm], Any]:
    """Return an asynchronous body that lets somebody else's thread run the real one."""

    async def body(term: AsyncTerm) -> Any:
        shift = _Shift(Term(term.tenure))
        take(shift)
        await _outlast(shift.ended)
        return shift.ended.result()

    return body


async def _outlast(ended: Future[Any]) -> None:
    """Wait through every cancellation: a thread cannot be cancelled, and its body ends when it ends."""
    waiting = asyncio.wrap_future(ended)
    cancelled = False
    while not waiting.done():
        try:
            await asyncio.wait({waiting})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled and waiting.exception() is None:
        raise asyncio.CancelledError


def _first_of(begun: Future[Any], ended: Future[Any]) -> None:
    either = threading.Event()
    for future in (begun, ended):
        future.add_done_callback(lambda _: either.set())
    either.wait()


@contextmanager
def _on_sigterm(callback: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """As `tenure.signals.on_sigterm`, without an event loop; yields whether the signal has come."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        with _nobody() as stopped:
            yield stopped
        return
    came = threading.Event()

    def handle(*_: object) -> None:
        came.set()
        callback()

    signal.signal(signal.SIGTERM, handle)
    try:
        yield came.is_set
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _nobody() -> Iterator[Callable[[], bool]]:
    yield lambda: False


def _check_work(work: object) -> None:
    if asyncio.iscoroutinefunction(work) or not callable(work):
        raise TypeError(
            f"work must be a plain function, not {work!r}; for coroutine functions use tenure.LeaderElector"
        )
