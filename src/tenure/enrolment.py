"""Enrolment: keeps a candidate in the roster, and, where it leads, the dead out of it.

Nothing of it disturbs the election: what fails is logged once and tried again at the next period.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from tenure.clock import boot_time
from tenure.errors import PermissionDeniedError, TenureError
from tenure.events import EligibilityChanged, Event
from tenure.fork import fork_generation
from tenure.handover import Preference
from tenure.lock import Lock
from tenure.locks.roster import Entry, Roster, open_roster
from tenure.locks.stamping import utc_now
from tenure.outlast import outlast
from tenure.timing import Timing

__all__ = ["Enrolment", "enrolled"]

_log = logging.getLogger("tenure")
_PERIOD_LEASES = 4  # between two renewals
_LAPSE_PERIODS = 3
_MOST_REMOVALS = 20  # a period: the leader's own entry must not wait for the end of a long clean-up
_TIMEOUT_S, _EXIT_TIMEOUT_S = 10.0, 2.0
_RULE = {
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "verbs": ["create", "patch", "delete", "list"],
}

Subscribe = Callable[[Callable[[Event], None]], Callable[[], None]]


@asynccontextmanager
async def enrolled(
    lock: Lock,
    identity: str,
    timing: Timing,
    preference: Preference,
    *,
    eligible: bool,
    is_leader: Callable[[], bool],
    subscribe: Subscribe,
    contact: asyncio.Event,
) -> AsyncIterator[None]:
    """Be in the roster of an election for as long as the block runs.

    Neither the beginning nor the end waits for the store, but for 2 s to take the entry out.

    Args:
        lock: of the election.
        identity: of the candidate.
        timing: its durations; its entry is renewed every four leases.
        preference: its wishes, for people to see.
        eligible: whether it is, to begin with; later `EligibilityChanged` tells.
        is_leader: tells whether it leads.
        subscribe: to the candidate's events; returns what ends that.
        contact: set when the lock's store has answered, or failed to: the election comes first.

    Raises:
        ConfigurationError: this kind of lock has no roster, or there is no way to it.
    """
    period = _PERIOD_LEASES * timing.lease_duration
    entry = Entry(
        identity=identity,
        priority=preference.priority,
        preempt=preference.preempt,
        lapse=_LAPSE_PERIODS * period,
    )
    async with open_roster(lock) as roster:
        enrolment = Enrolment(roster, entry, period, is_leader, lock.describe, eligible=eligible)
        unsubscribe = subscribe(enrolment.handle)
        keeping = asyncio.create_task(enrolment.keep(contact), name="tenure enrolment")
        try:
            yield
        finally:
            unsubscribe()
            keeping.cancel()
            cancelled = await outlast(keeping)
            cancelled |= await outlast(asyncio.create_task(enrolment.withdraw(), name="tenure withdrawal"))
            if cancelled:
                raise asyncio.CancelledError


class Enrolment:
    """One candidate's place in a roster.

    Args:
        roster: of the election.
        entry: what is to stand there; the times are filled in.
        period: seconds between two renewals.
        is_leader: tells whether this candidate leads, and so is the one who looks for the dead.
        where: returns the election's description, for the log.
        eligible: whether the candidate is, to begin with.
    """

    def __init__(
        self,
        roster: Roster,
        entry: Entry,
        period: float,
        is_leader: Callable[[], bool],
        where: Callable[[], str],
        *,
        eligible: bool,
    ) -> None:
        self._roster = roster
        self._entry = entry
        self._period = period
        self._is_leader = is_leader
        self._where = where
        self._eligible = eligible
        self._woken = asyncio.Event()
        self._is_written = False  # or may be: not every answer arrives
        self._seen: dict[tuple[str, str], float] = {}  # identity and version: since when, by boot time
        self._troubles: dict[str, object] = {}
        self._draw = random.SystemRandom().random
        self._generation = fork_generation()

    def handle(self, event: Event) -> None:
        """Take in an event of the candidacy."""
        if isinstance(event, EligibilityChanged):
            self._eligible = event.eligible
            self._woken.set()

    async def keep(self, contact: asyncio.Event) -> None:
        """Keep the entry up to date until cancelled, from the first `contact` with the lock's store on."""
        await contact.wait()
        while True:
            self._woken.clear()
            await self._try("enrolment", self._renew if self._eligible else self._withdraw)
            try:
                # Spread: candidates that began together need not renew together.
                async with asyncio.timeout(self._period * (1 - self._draw() / 10)):
                    await self._woken.wait()
            except TimeoutError:
                await self._try("removal of the dead", self._remove_dead)

    async def withdraw(self) -> None:
        """Take the entry out, in a short time, or leave it to the leader."""
        await self._try("withdrawal", lambda: self._withdraw(_EXIT_TIMEOUT_S))

    async def _renew(self) -> None:
        now = utc_now()
        self._entry = replace(self._entry, since=self._entry.since or now, renewed=now, version="")
        self._is_written = True
        self._entry = await self._roster.write(self._entry, timeout=_TIMEOUT_S)

    async def _withdraw(self, timeout: float = _TIMEOUT_S) -> None:
        if self._is_written:
            await self._roster.remove(self._entry, timeout=timeout)
            self._is_written = False
        self._entry = replace(self._entry, since=None)

    async def _remove_dead(self) -> None:
        """Remove what has not changed for as long as it says of itself, by this machine's clock alone."""
        if not self._is_leader():
            return
        entries = await self._roster.list(timeout=_TIMEOUT_S)
        now = boot_time()
        known = {
            (each.identity, each.version): each for each in entries if each.identity != self._entry.identity
        }
        self._seen = {key: self._seen.get(key, now) for key in known}
        dead = [known[key] for key, since in self._seen.items() if now - since >= known[key].lapse]
        for entry in dead[:_MOST_REMOVALS]:
            await self._roster.remove(entry, timeout=_TIMEOUT_S)

    async def _try(self, what: str, step: Callable[[], Awaitable[None]]) -> None:
        if self._generation != fork_generation():
            return  # a copy in a forked child: the entry is its parent's
        try:
            await step()
        except TenureError as error:
            # Told apart by kind: the wording changes from attempt to attempt, and one cause fails all steps.
            if type(error) not in self._troubles.values():
                _log.warning("%s: roster of candidates: %s failed: %s", self._where(), what, _message(error))
            self._troubles[what] = type(error)
        else:
            self._troubles.pop(what, None)


def _message(error: TenureError) -> str:
    if not isinstance(error, PermissionDeniedError):
        return str(error)
    # The whole rule, and not one verb after the other.
    return f"{error}; in all, candidates=True takes {json.dumps(_RULE)}"
