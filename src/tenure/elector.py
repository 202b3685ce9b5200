"""LeaderElector: one candidate of one election, for asyncio."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from tenure.announcements import Announcements
from tenure.candidacy import Candidacy
from tenure.election import OnMissing
from tenure.eligibility import Eligibility, Eligible
from tenure.enrolment import enrolled
from tenure.errors import ConfigurationError, LeadershipLostError
from tenure.events import EligibilityChanged, Event, LeaderChanged
from tenure.fork import fork_generation
from tenure.handover import LONGEST_NAME, Preference
from tenure.instrumentation.logs import log_events
from tenure.leader_only import leader_only, not_leader
from tenure.lock import Lock
from tenure.lock_venue import LockVenue
from tenure.office import Office, OnOverrun, is_loss
from tenure.outlast import outlast
from tenure.peer.peers import DEFAULT_LEASE_S, Peers
from tenure.places import lock_at
from tenure.pod import own_name
from tenure.signals import EXIT_STATUS_SIGTERM, on_sigterm
from tenure.term import Term
from tenure.timing import Timing
from tenure.venue import Candidature, Venue

__all__ = ["LeaderElector"]

_log = logging.getLogger("tenure")
_FIRST_BACKOFF_S = 1.0

Params = ParamSpec("Params")
ResultT = TypeVar("ResultT")
Work = Callable[[Term], Awaitable[ResultT]]


class LeaderElector:
    """Campaigns for one election, and runs work while elected.

    Making one connects to nothing and reads no configuration but the environment's `POD_NAME`,
    `POD_NAMESPACE` and `TENURE_LOCK`.

    Args:
        where: a lock; a string stands for ``LeaseLock(where)`` in the Pod's namespace. `Peers` elect among
            themselves, without an API server.
        peers: elect among these; `where` is only told of each change of leader, and numbers the terms. A
            string stands for ``PeersLock(where)`` then.
        identity: the name that others see; None: ``POD_NAME``, else the hostname. Two processes may share
            it: to learn whether *this* one leads, ask `is_leader`.
        timing: the durations; among peers a lease of 2 s by default.
        drain_timeout: seconds that a body may take to end when it is stopped, while its term is renewed;
            less than the Pod's ``terminationGracePeriodSeconds``.
        on_overrun: what to do when a body still runs when others may lead: ``"log"``, ``"exit"`` the process
            at once, or a callable.
        on_missing: ``"create"``: a missing record is created and led at once. ``"wait"``: such a term begins
            only a lease later, which closes the gap that a deletion of the record leaves (docs/contract.md).
        epoch: of the fencing tokens; an operator raises it after a restore of etcd.
        priority: from 0 to 1000; of several contenders for a free record the highest goes first.
        preempt: ask a leader of lower priority to hand over.
        minimum_tenure: seconds that a term of this candidate lasts before it is handed over to a higher
            priority; None: four times `lease_duration`.
        eligible: says whether this program is fit to lead, asked every `retry_period`; a function or a
            coroutine function. Who is not does not campaign, and gives up its term; so does who fails to say.
        candidates: keep this candidate in the roster, for people to see who could lead: one Lease for each,
            renewed every four leases (docs/how-to.md).
        kubeconfig: for a string: path of a kubeconfig file, instead of the Pod's own configuration.
        context: for a string: the context of that file.

    Raises:
        ConfigurationError: the arguments cannot work; the message names them.
    """

    def __init__(
        self,
        where: str | Lock | Peers,
        *,
        peers: Peers | None = None,
        identity: str | None = None,
        timing: Timing | None = None,
        drain_timeout: float = 20.0,
        on_overrun: OnOverrun = "log",
        on_missing: OnMissing = "create",
        epoch: int = 0,
        priority: int = 0,
        preempt: bool = False,
        minimum_tenure: float | None = None,
        eligible: Eligible | None = None,
        candidates: bool = False,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
    ) -> None:
        alone = where if isinstance(where, Peers) else None
        if alone and (peers or kubeconfig or context):
            raise ConfigurationError("Peers as `where` are alone: leave out peers, kubeconfig and context.")
        self.lock: Lock | None = None
        if not isinstance(where, Peers):
            self.lock = lock_at(
                where, kubeconfig=kubeconfig, context=context, kind="peers" if peers else "lease"
            )
        self.identity = identity or own_name()
        among = alone or peers
        self.timing = timing or (Timing(lease_duration=DEFAULT_LEASE_S) if among else Timing())
        _check_choice("on_missing", on_missing, ("create", "wait"))
        if not callable(on_overrun):
            _check_choice("on_overrun", on_overrun, ("log", "exit"))
        if among and on_missing == "wait":
            raise ConfigurationError("on_missing is about a record that peers do without: leave it out.")
        if alone and candidates:
            raise ConfigurationError("candidates are written to the API, which Peers as `where` do without.")
        if drain_timeout < 0 or epoch < 0:
            raise ConfigurationError("drain_timeout and epoch must not be negative.")
        self._on_missing: OnMissing = on_missing
        self._on_overrun: OnOverrun = on_overrun
        self._drain_timeout = drain_timeout
        self._epoch = epoch
        shortest = 4 * self.timing.lease_duration if minimum_tenure is None else minimum_tenure
        self._preference = Preference(priority=priority, preempt=preempt, minimum_tenure=shortest)
        if priority and len(self.identity) > LONGEST_NAME:
            raise ConfigurationError(
                f"priority needs an identity of at most {LONGEST_NAME} characters, not {len(self.identity)}."
            )
        self._eligible = eligible
        self._candidates = candidates
        self._announcements = Announcements()
        self._venue = _venue(self.lock, among)
        if among:
            among.electorate(self.identity, self.timing)  # what is wrong with it is told here
        self._announcements.subscribe(log_events(self.describe, self.identity, self.timing))
        self._office: Office | None = None
        self._generation = fork_generation()  # of the process that uses it, or used it last

    # ---- what is known

    def describe(self) -> str:
        """Return where the election is held, for people, such as ``lease default/reports``."""
        return self._venue.describe()

    @property
    def election(self) -> str:
        """The election, ``NAMESPACE/NAME``; without the namespace as long as that is not known."""
        return self._venue.election

    @property
    def leader(self) -> str | None:
        """Identity of the leader; empty: there is none; None: unknown. Never ask it whether *you* lead."""
        return self.latest.leader

    def is_leader(self) -> bool:
        """Tell whether this elector, in this process, leads at this moment."""
        office = self._office  # another thread may set it to None meanwhile
        tenure = office.tenure if office else None
        return tenure is not None and tenure.why_over() is None

    def _in_use(self) -> bool:
        """Whether this process uses the elector; one that was inherited by a fork is idle (rule 5)."""
        return self._office is not None and self._generation == fork_generation()

    @property
    def latest(self) -> LeaderChanged:
        """What is known of the leader now, with its token, or the reason why it is unknown."""
        latest = self._announcements.latest
        if latest.is_self and not self.is_leader():  # the event loop has not found out yet
            return LeaderChanged(
                leader=None, is_self=False, token=None, reason="this candidate's term is over"
            )
        return latest

    def changes(self) -> AsyncIterator[LeaderChanged]:
        """Iterate over what is known of the leader: the present state, then each change, the latest only."""
        return self._announcements.changes()

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call back with every event (`tenure.events`), in the event loop's thread; it must not block.

        Returns:
            a function that ends the subscription.
        """
        return self._announcements.subscribe(callback)

    def leader_only(self, function: Callable[Params, ResultT]) -> Callable[Params, ResultT]:
        """Decorate a function that may be called only while this elector leads, in this process.

        It is checked when it is called, a coroutine when it begins to run. Nothing is interrupted if the
        term ends meanwhile: only a fence keeps a late write out.

        Args:
            function: plain or a coroutine function, also in a class; below ``@staticmethod`` and its like.

        Raises:
            NotLeaderError: by the decorated function: there is no valid term; the message says who leads.
            TypeError: this is no function.
        """
        return leader_only(self, function)

    # ---- ways to give the term up

    def resign(self) -> None:
        """Give up the present term early: its work is asked to end, and others campaign before this elector.

        The term is released when the work has ended, at most `drain_timeout` later. May be called from any
        thread.

        Raises:
            NotLeaderError: this elector does not lead.
        """
        self._give_up_for("")

    def transfer(self, to: str) -> None:
        """Give up the present term, as `resign` does, for one candidate, which the others let go first.

        While the term drains already, this names who is to lead next.

        Args:
            to: its identity. If it is not there, the others campaign after a moment.

        Raises:
            NotLeaderError: this elector does not lead.
            ConfigurationError: `to` is this candidate itself, or empty.
        """
        if to in ("", self.identity):
            raise ConfigurationError(f"transfer needs the identity of another candidate, not {to!r}.")
        self._give_up_for(to)

    def _give_up_for(self, to: str) -> None:
        office = self._office
        if office is None or not self.is_leader():
            raise not_leader(self, "giving up the term")
        office.loop.call_soon_threadsafe(office.candidacy.transfer, to)

    # ---- ways to lead

    async def run(self, work: Work[ResultT], *, handle_signals: bool = True) -> ResultT:
        """Campaign, run `work` while elected, campaign again after a loss; return its result.

        On loss `work` is cancelled. When it returns while the term is valid, the term is released and the
        result returned. SIGTERM, if nobody else handles it and this is the main thread, drains and
        releases, and then raises `SystemExit`.

        Args:
            work: a coroutine function that takes the `Term`.
            handle_signals: False: leave SIGTERM alone.

        Raises:
            TypeError: `work` is synchronous; use `tenure.blocking`.
            ConfigurationError, PermissionDeniedError: before the first successful read; later never.
            Exception: whatever `work` raised of its own; the term is released first.
        """
        _check_work(work)
        async with self._take_office() as office:
            with on_sigterm(office.stop) if handle_signals else nullcontext():
                while not office.stopped:
                    outcome = await office.serve(work)
                    if outcome.finished and not office.stopped:
                        return outcome.result  # type: ignore[return-value]  # it is one, where finished
        raise SystemExit(EXIT_STATUS_SIGTERM)

    def term(self) -> AbstractAsyncContextManager[Term]:
        """Hold one term: campaign on entry, release on exit.

        If the term is lost, the block is cancelled, and `LeadershipLostError` is raised in any case.

        Raises:
            LeadershipLostError: on exit: the term ended first.
            ConfigurationError, PermissionDeniedError: on entry.
            RuntimeError: this elector is in use already.
        """
        return _TermScope(self._take_office)

    @asynccontextmanager
    async def running(self, work: Work[object]) -> AsyncIterator[Self]:
        """Campaign in the background and run `work` whenever elected, until the block ends; then drain.

        An error of `work` is logged; the term is released, and the next campaign begins after a pause.

        Raises:
            TypeError: `work` is synchronous; use `tenure.blocking`.
            ConfigurationError, PermissionDeniedError: on entry, if the store answers at once.
            Exception: on exit: tenure itself failed meanwhile, and did not lead any more.
        """
        _check_work(work)
        async with self._take_office() as office:
            serving = asyncio.create_task(self._serve_on(office, work), name="tenure serving")
            try:
                await _first(serving, office.candidacy.contact.wait())
                if office.candidacy.failed.done():
                    office.candidacy.failed.result()
                office.candidacy.failed.add_done_callback(self._say_failed)
                yield self
            finally:
                serving.cancel()
                if await outlast(serving):
                    raise asyncio.CancelledError
            if office.candidacy.failed.done():
                office.candidacy.failed.result()

    def _say_failed(self, failed: asyncio.Future[None]) -> None:
        """Tell at once what `running` raises only at its end."""
        if not failed.cancelled():
            _log.error("%s: campaigns no more: %s", self.describe(), failed.exception())

    async def _serve_on(self, office: Office, work: Work[object]) -> None:
        backoff = _FIRST_BACKOFF_S
        while True:
            try:
                outcome = await office.serve(work)
            except Exception:
                if office.candidacy.failed.done():
                    return
                _log.exception("the work failed; the term is released")
            else:
                if not outcome.finished:
                    backoff = _FIRST_BACKOFF_S
                    continue
            if office.held_s > self.timing.lease_duration:
                backoff = _FIRST_BACKOFF_S
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, self.timing.lease_duration)

    @asynccontextmanager
    async def _take_office(self) -> AsyncIterator[Office]:
        """Connect: from here on this elector is in use."""
        if self._in_use():
            raise RuntimeError(f"this elector of {self.describe()} is in use; make another one")
        self._generation = fork_generation()
        office = self._office = Office(self._on_overrun, self.timing.retry_period)
        try:
            async with self._venue.open(self._candidature(), self._publish) as candidacy:
                office.connect(candidacy)
                candidacy.start()
                async with self._enrolled(candidacy), self._asked_for_fitness(candidacy):
                    yield office
        finally:
            self._office = None
            self._announcements.close()

    def _enrolled(self, candidacy: Candidacy) -> AbstractAsyncContextManager[None]:
        """Be in the roster of candidates, if that is wanted, for as long as the block runs."""
        if not self._candidates or self.lock is None:
            return nullcontext()
        return enrolled(
            self.lock,
            self.identity,
            self.timing,
            self._preference,
            eligible=self._eligible is None,
            is_leader=self.is_leader,
            subscribe=self.subscribe,
            contact=candidacy.contact,
        )

    @asynccontextmanager
    async def _asked_for_fitness(self, candidacy: Candidacy) -> AsyncIterator[None]:
        """Ask the program whether it is eligible, for as long as the block runs."""
        if self._eligible is None:
            yield
            return

        def tell(eligible: bool, reason: str) -> None:
            self._publish(EligibilityChanged(eligible=eligible, reason=reason))
            candidacy.set_eligible(eligible)

        candidacy.set_eligible(False)
        eligibility = Eligibility(self._eligible, self.timing.retry_period, tell)
        asking = asyncio.create_task(eligibility.keep_asking(), name="tenure eligibility")
        try:
            yield
        finally:
            asking.cancel()
            if await outlast(asking):
                raise asyncio.CancelledError

    def _publish(self, event: Event) -> None:
        if self._office is not None:
            self._office.handle(event)
        self._announcements.publish(event)

    def _candidature(self) -> Candidature:
        return Candidature(
            identity=self.identity,
            timing=self.timing,
            drain_timeout=self._drain_timeout,
            on_missing=self._on_missing,
            epoch=self._epoch,
            preference=self._preference,
        )


class _TermScope(AbstractAsyncContextManager[Term]):
    """The ``async with`` form: the body is the block, in the task that entered it."""

    def __init__(self, take_office: Callable[[], AbstractAsyncContextManager[Office]]) -> None:
        self._place = take_office()
        self._interrupted = False
        self._cancelling = 0

    async def __aenter__(self) -> Term:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("term() needs a task: enter it within asyncio.run")
        office = self._office = await self._place.__aenter__()
        try:
            while (tenure := await office.elect()) is None or tenure.is_ending():
                if await office.leave():
                    raise asyncio.CancelledError
        except BaseException as error:
            await self._place.__aexit__(type(error), error, error.__traceback__)
            raise
        self._task, self._cancelling = task, task.cancelling()
        self._tenure = tenure
        office.on_loss(self._interrupt)
        return Term(tenure)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        over = self._tenure.why_over()
        # As asyncio.timeout does it: our own interruption is taken back, one from outside stays. Before the
        # first await, where one would be raised that a task group has passed on (Python 3.13).
        requests = self._task.uncancel() if self._interrupted else self._task.cancelling()
        cancelled = await self._office.leave()
        await self._place.__aexit__(kind, error, trace)
        if cancelled:
            raise asyncio.CancelledError
        ours = self._interrupted and requests <= self._cancelling
        if over is not None and _gives_way(error, interrupted=ours):
            raise LeadershipLostError(f"the term {self._tenure.token} ended first: {over}") from error

    def _interrupt(self) -> None:
        self._interrupted = True
        self._task.cancel()


def _venue(lock: Lock | None, peers: Peers | None) -> Venue:
    if peers is None and lock is not None:
        return LockVenue(lock)
    assert peers is not None
    from tenure.peer.venue import PeerVenue  # who needs no peers shall not pay for them

    return PeerVenue(peers, lock)


def _check_work(work: object) -> None:
    if not inspect.iscoroutinefunction(work) and not inspect.iscoroutinefunction(type(work).__call__):
        raise TypeError(
            f"work must be a coroutine function (async def), not {work!r}; "
            "for synchronous work use tenure.blocking.LeaderElector"
        )


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}.")


def _gives_way(error: BaseException | None, *, interrupted: bool) -> bool:
    """Tell whether what left the block says no more than that its term was lost."""
    if isinstance(error, asyncio.CancelledError):
        return interrupted
    return error is None or is_loss(error)


async def _first(task: asyncio.Future[None], other: Awaitable[object]) -> None:
    waiter = asyncio.ensure_future(other)
    both: set[asyncio.Future[Any]] = {task, waiter}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()
