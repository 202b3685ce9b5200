"""Stage: the members of a demo's election, and what happens to them."""

from __future__ import annotations

import asyncio
import math
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable

import click

from tenure.cli.demo.member import DemoFailedError, Member

__all__ = ["PATIENCE_S", "Stage", "check_tokens", "in_ms", "say"]

PATIENCE_S = 30.0
"""After that something failed."""


class Stage(ABC):
    """Shows one election.

    Attributes:
        members: the candidates.
        news: to be set whenever one of them has told something.
    """

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.news = asyncio.Event()

    @abstractmethod
    async def tell(self) -> None:
        """Start the members and show what is to be shown.

        Raises:
            DemoFailedError: something did not happen; the message says what.
        """

    @abstractmethod
    def look_further(self) -> None:
        """Say what else can be looked at while everything runs."""

    async def keep(self) -> None:
        """Bring the members back that were ended, and say how to look at them."""
        for member in self.members:
            if member.holder is None:
                await member.start()
        await self.until(lambda: all(member.holder for member in self.members), "everybody to be back")
        say("\nAll of them run again. Try:\n")
        for member in self.members:
            say(f"  curl {member.url}/leader")
        say(f"  curl -N {self.members[0].url}/events")
        self.look_further()
        say("\nCtrl-C ends it.")

    async def begin(self) -> Member:
        """Start everybody, and show who leads."""
        await asyncio.gather(*(member.start() for member in self.members))
        leader = await self.elected(self.members)
        await self.until(lambda: all(m.holder == leader.name for m in self.members), "the others to follow")
        for member in self.members:
            mark = click.style("leads  ", fg="green", bold=True) if member.is_leader else "follows"
            say(f"  {member.name}  {mark}  {member.url}/leader")
        say("")
        return leader

    async def take_over(self, leader: Member, number: signal.Signals, why: str) -> Member:
        """End the leader, and show who takes over and after how long."""
        others = [member for member in self.members if member is not leader and member.holder is not None]
        say(f"  {number.name} to {leader.name}  ", nl=False)
        sent_at = leader.send_signal(number)
        successor = await self.elected(others)
        status = await leader.wait()
        say(
            f"{successor.name} leads after {in_ms(successor.led_at - sent_at)}   {click.style(why, dim=True)}"
        )
        if number is signal.SIGTERM and status != 0:
            raise DemoFailedError(f"{leader.name} ended with status {status} at SIGTERM, not 0")
        check_tokens(leader, successor)
        return successor

    async def elected(self, candidates: list[Member]) -> Member:
        """Wait until one of these leads, and return it."""
        await self.until(lambda: any(member.is_leader for member in candidates), "a leader")
        return next(member for member in candidates if member.is_leader)

    async def until(self, happened: Callable[[], bool], what: str) -> None:
        """Wait for something that members tell.

        Raises:
            DemoFailedError: it does not happen, or a member has failed.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not happened():
                    self.news.clear()
                    await self.news.wait()
                    if fault := next((member.fault for member in self.members if member.fault), ""):
                        raise DemoFailedError(fault)
        except TimeoutError:
            raise DemoFailedError(f"waited {PATIENCE_S:g} s for {what}, in vain") from None


def check_tokens(leader: Member, successor: Member) -> None:
    """Raise `DemoFailedError` unless the fencing token has risen."""
    if int(successor.token) <= int(leader.token):
        raise DemoFailedError(f"the token did not rise: {leader.token}, then {successor.token}")


def in_ms(seconds: float) -> str:
    """Return a time that was measured, for people."""
    return click.style(f"{math.ceil(1000 * seconds):>5} ms", bold=True)


def say(line: str, *, nl: bool = True) -> None:
    """Print a line."""
    click.echo(line, nl=nl)
