"""PeerStage: five sidecars that elect among themselves, and a network that can be parted."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tenure.cli.demo.member import Member, free_ports
from tenure.cli.demo.relay import Relay
from tenure.cli.demo.stage import Stage, check_tokens, in_ms, say
from tenure.cli.demo.witness import Witness
from tenure.clock import boot_time
from tenure.peer.peers import DEFAULT_LEASE_S
from tenure.timing import Timing

__all__ = ["peer_stage"]

_NAMES = ("ada", "bob", "cyn", "dan", "eve")
_TIMING = Timing(lease_duration=DEFAULT_LEASE_S)


@asynccontextmanager
async def peer_stage() -> AsyncIterator[Stage]:
    """Open the relay and make five members of the election; they are ended with the block."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tenure-demo-")))
        relay = Relay(_NAMES)
        stack.callback(relay.close)
        await relay.open()
        stage = _PeerStage(relay, folder)
        for member in stage.members:
            stack.push_async_callback(member.end)
        witness = asyncio.create_task(stage.witness.watch(), name="demo witness")
        stack.callback(witness.cancel)
        yield stage


class _PeerStage(Stage):
    def __init__(self, relay: Relay, folder: Path) -> None:
        super().__init__()
        self._relay = relay
        secret = folder / "secret"
        secret.write_text(secrets.token_hex(32))
        ports = free_ports(len(_NAMES), socket.SOCK_DGRAM)
        relay.places.update({name: ("127.0.0.1", port) for name, port in zip(_NAMES, ports, strict=True)})
        self.members = [Member(name, self._arguments(name, secret), folder, self.news.set) for name in _NAMES]
        self.witness = Witness(self.members)

    def _arguments(self, name: str, secret: Path) -> list[str]:
        """Return the flags of one member: it is told the relay's addresses in place of the others'."""
        listen = f"127.0.0.1:{self._relay.places[name][1]}"
        others = [(other, self._relay.address(of=other, told=name)) for other in _NAMES if other != name]
        peers = [f"{name}={listen}", *(f"{other}={host}:{port}" for other, (host, port) in others)]
        return [
            "--election=demo",
            f"--lease-duration={_TIMING.lease_duration:g}s",
            f"--peers={','.join(peers)}",
            f"--peers-listen={listen}",
            f"--peers-secret={secret}",
            "--peers-alone",
        ]

    async def tell(self) -> None:
        say(f"Five sidecars, no API server, a lease of {_TIMING.lease_duration:g} s that three must grant.\n")
        first = await self.begin()
        second = await self.take_over(
            first, signal.SIGKILL, "the others let the lease run out before they grant it again"
        )
        await self._come_back(first, second)
        third = await self._part([second, first])
        await self.take_over(third, signal.SIGTERM, "it gave the lease back first")
        self.witness.check()
        say(f"\nNever did two lead at once: the five answered {self.witness.answers} times who does.")

    def look_further(self) -> None:
        pass  # there is no record anywhere

    async def _come_back(self, member: Member, leader: Member) -> None:
        """Start a member again that was killed."""
        began_at = boot_time()
        await member.start()
        await self.until(lambda: member.holder == leader.name, f"{member.name} to follow")
        why = "a voter that has forgotten what it granted grants nothing until that has run out"
        say(f"  {member.name} is back, and follows after {_since(began_at)}   {_dim(why)}")

    async def _part(self, few: list[Member]) -> Member:
        """Part the network, with the leader among the few; mend it, and return who leads then."""
        many = [member for member in self.members if member not in few]
        leader = few[0]
        names = [[member.name for member in group] for group in (few, many)]
        self._relay.part(*names)
        parted_at = boot_time()
        say(f"  The network is parted: {' and '.join(names[0])} here, {', '.join(names[1])} there")
        await self.until(lambda: not leader.is_leader, f"{leader.name} to stop")
        why = "nobody extends its lease: its term ends before the lease can be granted again"
        say(f"    {leader.name} stops after {in_ms(leader.lost_at - parted_at)}   {_dim(why)}")
        successor = await self.elected(many)
        why = "three of five are enough; two never are"
        say(f"    {successor.name} leads after {in_ms(successor.led_at - parted_at)}   {_dim(why)}")
        check_tokens(leader, successor)
        self._relay.heal()
        healed_at = boot_time()
        say("  The network is mended")
        await self.until(
            lambda: all(member.holder == successor.name for member in self.members), "all to follow"
        )
        say(f"    all follow {successor.name} after {_since(healed_at)}   {_dim('nobody is elected anew')}")
        return successor


def _since(began_at: float) -> str:
    return in_ms(boot_time() - began_at)


def _dim(text: str) -> str:
    return click.style(text, dim=True)
