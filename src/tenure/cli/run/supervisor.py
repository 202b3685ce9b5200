"""Supervisor: campaigns, and runs COMMAND while elected."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenure.cli.exits import CANNOT_EXECUTE, LOST, TENURE_FAILED
from tenure.cli.run.fuse import Fuse
from tenure.cli.run.orphans import reap_orphans
from tenure.cli.run.program import Program
from tenure.events import Elected, Event, LeaderChanged, Renewed
from tenure.guard.signals import passed_on
from tenure.guard.tether import Tether
from tenure.guard.voice import say
from tenure.outlast import outlast
from tenure.sidecar import Campaign
from tenure.sidecar.answering import answering
from tenure.sidecar.outlook import Outlook
from tenure.sidecar.predecessors import Predecessors
from tenure.term import Term

__all__ = ["Orders", "supervise"]

_ENDING = (signal.SIGTERM, signal.SIGINT)
"""These end the program and tenure; SIGKILL follows, where they do not."""
_ENDING_STANDBYS = (*_ENDING, signal.SIGHUP, signal.SIGQUIT)
"""These end tenure where there is no program that could decide."""
_TO_KILL_S = 1.0
"""How long the end of what was killed may take on a busy machine, while the term is still renewed."""


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a supervisor is to do.

    Attributes:
        command: the program and its arguments.
        campaign: the candidate.
        grace_s: how long the program may take to end when it is told to.
        once: exit when a term was lost or handed over, instead of campaigning again.
        listener: serves HTTP on this listening socket; None: serves nothing.
    """

    command: Sequence[str]
    campaign: Campaign
    grace_s: float
    once: bool
    listener: socket.socket | None


async def supervise(orders: Orders, tether: Tether) -> int:
    """Campaign and run the program while elected, until it exits by itself or a signal ends it.

    Returns:
        the exit status.

    Raises:
        ConfigurationError: there is no way to the API server, or an older kind of lock has a live leader.
        PermissionDeniedError: the record cannot be read, and never could.
    """
    return await _Supervisor(orders, tether).until_the_verdict()


class _Decided(Exception):  # noqa: N818  # an outcome, no error
    """The exit status is known, and with it that there is no further term."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Supervisor:
    def __init__(self, orders: Orders, tether: Tether) -> None:
        self._orders = orders
        self._tether = tether
        self._fuse = Fuse()
        timing = orders.campaign.timing
        # From the end of a term to the hard limit. Half of it is kept for killing, which takes some looks at
        # many processes on a machine that may be busy; in the last sixth the guard does it, if it must.
        self._margin_s = timing.overrun_limit - timing.renew_deadline
        self._limit = -math.inf
        self._elector = orders.campaign.elector(drain_timeout=orders.grace_s + _TO_KILL_S, on_overrun="exit")
        self._elector.subscribe(self._take)
        self._program: Program | None = None
        self._is_asked_to_end = False
        self._has_failed = False
        self._has_lost_guard = False
        self._verdict: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._told_leader = ""

    async def until_the_verdict(self) -> int:
        loop = asyncio.get_running_loop()
        died = asyncio.Event()
        loop.add_signal_handler(signal.SIGCHLD, died.set)
        for number in passed_on():
            loop.add_signal_handler(number, self._pass_on, number)
        # It never has anything to read: what wakes us is the error that comes with the end of its other end.
        loop.add_reader(self._tether.fileno(), self._lose_guard)
        reaping = asyncio.create_task(reap_orphans(died), name="tenure orphans")
        outlook = Outlook(self._elector)
        try:
            async with answering(self._orders.listener, outlook):
                campaign = asyncio.create_task(self._campaign(outlook), name="tenure campaign")
                either: set[asyncio.Future[Any]] = {campaign, self._verdict}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                campaign.cancel()  # which releases
                await outlast(campaign)
                if not campaign.cancelled():
                    campaign.result()
        finally:
            reaping.cancel()
            if self._has_lost_guard and self._tether.cgroup:
                self._tether.cgroup.remove()
        return self._verdict.result()

    async def _campaign(self, outlook: Outlook) -> None:
        campaign = self._orders.campaign
        await Predecessors(campaign.kind, campaign.place, campaign.timing, outlook.waiting).refuse_live()
        try:
            await self._elector.run(self._work, handle_signals=False)
        except _Decided as decided:
            self._decide(decided.status)

    async def _work(self, term: Term) -> None:
        """Run the program for one term. Whatever happens, this ends after the last process of it.

        Raises:
            _Decided: there is to be no further term; this one is released first.
        """
        self._arm()
        if not term.is_valid():  # this process was stopped or starved between the election and now
            self._disarm()
            return
        try:
            program = self._program = self._start(term)
        except OSError as error:  # the Pod may have no more processes, or the machine no memory
            self._disarm()
            say(f"cannot start a process for {self._orders.command[0]}: {str(error.strerror).lower()}")
            raise _Decided(CANNOT_EXECUTE) from error
        playing = asyncio.create_task(program.until_nothing_is_left(), name="tenure program")
        await outlast(playing, program.end)
        self._program = None
        self._disarm()
        status = playing.result()
        if self._has_failed:
            raise _Decided(TENURE_FAILED)
        if self._is_asked_to_end or not program.was_told:
            raise _Decided(status)
        if self._orders.once:
            raise _Decided(LOST)

    def _start(self, term: Term) -> Program:
        say(f"leads with fencing token {term.token}: starting {self._orders.command[0]}")
        environment = {
            **os.environ,
            "TENURE_ELECTION": self._orders.campaign.election,
            "TENURE_IDENTITY": self._elector.identity,
            "TENURE_FENCING_TOKEN": str(int(term.token)),
        }
        return Program(
            self._orders.command,
            environment,
            grace_s=self._orders.grace_s,
            kill_by=self._kill_by(),
            cgroup=self._tether.cgroup,
        )

    def _decide(self, status: int) -> None:
        if not self._verdict.done():
            self._verdict.set_result(status)

    # ---- until when

    def _kill_by(self) -> float:
        return self._limit - self._margin_s / 2

    def _arm(self) -> None:
        self._tether.arm(self._limit - self._margin_s / 6)
        self._fuse.set(self._limit - self._margin_s / 12)

    def _disarm(self) -> None:
        self._tether.disarm()
        self._fuse.set(math.inf)

    # ---- what happens

    def _take(self, event: Event) -> None:
        match event:
            case Elected() | Renewed():
                self._limit = event.deadline + self._margin_s
                if self._program:
                    self._look_after_guard(self._program)
                    self._arm()
                    if not self._has_failed:  # else it is to be gone before the lease ends that it had then
                        self._program.renew(self._kill_by())
            case LeaderChanged():
                self._tell(event)

    def _look_after_guard(self, program: Program) -> None:
        """A guard that is stopped guards nothing: then the program ends while we can still see to it."""
        if not self._has_failed and self._tether.silence_s() > self._orders.campaign.timing.renew_deadline:
            self._has_failed = True
            say("the guard process is stopped or starved: ending")
            program.end()

    def _lose_guard(self) -> None:
        asyncio.get_running_loop().remove_reader(self._tether.fileno())
        self._has_failed = self._has_lost_guard = True
        say("the guard process was killed: ending")
        if self._program:
            self._program.kill()
        else:
            self._decide(TENURE_FAILED)

    def _pass_on(self, number: int) -> None:
        program = self._program
        if program is None:
            if number in _ENDING_STANDBYS:
                self._decide(128 + number)
        elif number in _ENDING:
            self._is_asked_to_end = True
            program.end(number)
        else:
            program.pass_on(number)

    def _tell(self, event: LeaderChanged) -> None:
        if event.leader and not event.is_self and event.leader != self._told_leader:
            say(f"standby: {event.leader} leads {self._orders.campaign.election}")
        if event.leader is not None:
            self._told_leader = "" if event.is_self else event.leader
