"""Story: what the demo shows, and in which order."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import yaml

from tenure.cli.demo.member import DemoFailedError, Member
from tenure.cli.exits import INTERRUPTED
from tenure.devserver import DevServer
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.resource import LEASES
from tenure.kubernetes.shared import shared_client
from tenure.sidecar.termination import termination
from tenure.timing import Timing

__all__ = ["play"]

_ELECTION, _NAMESPACE = "demo", "default"
_TIMING = Timing(lease_duration=5.0)
_PATIENCE_S = 30.0


async def play(*, keep: bool) -> int:
    """Play the demo; whatever it starts is ended when this returns, whichever way.

    Args:
        keep: leave it running at the end, until a signal comes.

    Returns:
        the exit status.

    Raises:
        DemoFailedError: something did not happen; the message says what.
    """
    with termination() as ending:
        async with _stage() as stage:
            story = asyncio.create_task(stage.tell(), name="demo story")
            stop = asyncio.create_task(ending.wait(), name="demo signals")
            try:
                await asyncio.wait({story, stop}, return_when=asyncio.FIRST_COMPLETED)
                if not story.done():
                    _say("")
                    return INTERRUPTED
                story.result()
                if keep:
                    await stage.keep()
                    await stop
            finally:
                for task in (story, stop):
                    task.cancel()
                await asyncio.wait({story, stop})
    return 0


@asynccontextmanager
async def _stage() -> AsyncIterator[_Stage]:
    """Start the API server and make three members of the election."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tenure-demo-")))
        server = await stack.enter_async_context(DevServer())
        stage = _Stage(server, folder)
        for member in stage.members:
            stack.push_async_callback(member.end)
        yield stage


class _Stage:
    def __init__(self, server: DevServer, folder: Path) -> None:
        self._server = server
        self._kubeconfig = server.kubeconfig(folder / "kubeconfig")
        self._news = asyncio.Event()
        arguments = [
            f"--election={_ELECTION}",
            f"--election-namespace={_NAMESPACE}",
            f"--lease-duration={_TIMING.lease_duration:g}s",
            f"--kubeconfig={self._kubeconfig}",
        ]
        self.members = [Member(name, arguments, folder, self._news.set) for name in ("ada", "bob", "cyn")]

    async def tell(self) -> None:
        _say(f"Three sidecars, an API server in memory, a lease of {_TIMING.lease_duration:g} s.\n")
        await asyncio.gather(*(member.start() for member in self.members))
        leader = await self._elected(self.members)
        await self._until(lambda: all(m.holder == leader.name for m in self.members), "the others to follow")
        for member in self.members:
            mark = click.style("leads  ", fg="green", bold=True) if member.is_leader else "follows"
            _say(f"  {member.name}  {mark}  {member.url}/leader")
        _say("")
        leader = await self._take_over(leader, signal.SIGTERM, "it released the lease first")
        limit_ms = math.ceil(1000 * _TIMING.takeover_delay(_TIMING.lease_duration))
        leader = await self._take_over(
            leader, signal.SIGKILL, f"the lease had to run out: {limit_ms} ms after the last renewal"
        )
        await self._show_record()

    async def keep(self) -> None:
        """Bring the members back that were ended, and say how to look at them."""
        for member in self.members:
            if member.holder is None:
                await member.start()
        await self._until(lambda: all(member.holder for member in self.members), "everybody to be back")
        _say("\nAll three run again. Try:\n")
        for member in self.members:
            _say(f"  curl {member.url}/leader")
        _say(f"  curl -N {self.members[0].url}/events")
        _say(f"  kubectl --kubeconfig={self._kubeconfig} get lease {_ELECTION} -o yaml")
        _say("\nCtrl-C ends it.")

    async def _take_over(self, leader: Member, number: signal.Signals, why: str) -> Member:
        """End the leader, and show who takes over and after how long."""
        others = [member for member in self.members if member is not leader and member.holder is not None]
        _say(f"  {number.name} to {leader.name}  ", nl=False)
        sent_at = leader.send_signal(number)
        successor = await self._elected(others)
        status = await leader.wait()
        took = click.style(f"{math.ceil(1000 * (successor.led_at - sent_at)):>5} ms", bold=True)
        _say(f"{successor.name} leads after {took}   {click.style(why, dim=True)}")
        if number is signal.SIGTERM and status != 0:
            raise DemoFailedError(f"{leader.name} ended with status {status} at SIGTERM, not 0")
        if int(successor.token) <= int(leader.token):
            raise DemoFailedError(f"the token did not rise: {leader.token}, then {successor.token}")
        return successor

    async def _elected(self, candidates: list[Member]) -> Member:
        await self._until(lambda: any(member.is_leader for member in candidates), "a leader")
        return next(member for member in candidates if member.is_leader)

    async def _until(self, happened: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not happened():
                    self._news.clear()
                    await self._news.wait()
                    if fault := next((member.fault for member in self.members if member.fault), ""):
                        raise DemoFailedError(fault)
        except TimeoutError:
            raise DemoFailedError(f"waited {_PATIENCE_S:g} s for {what}, in vain") from None

    async def _show_record(self) -> None:
        async with shared_client(ClusterConfig(server=self._server.url)) as client:
            record = await client.get(LEASES, _NAMESPACE, _ELECTION, timeout=_PATIENCE_S)
        _say(f"\nThe record, as kubectl get lease {_ELECTION} -o yaml shows it:\n")
        for line in yaml.safe_dump(record).splitlines():
            _say(click.style(f"  {line}", dim=True))


def _say(line: str, *, nl: bool = True) -> None:
    click.echo(line, nl=nl)
