"""LockStage: three sidecars and an API server in memory."""

from __future__ import annotations

import math
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import yaml

from tenure.cli.demo.member import Member
from tenure.cli.demo.stage import PATIENCE_S, Stage, say
from tenure.devserver import DevServer
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.resource import LEASES
from tenure.kubernetes.shared import shared_client
from tenure.timing import Timing

__all__ = ["lock_stage"]

_ELECTION, _NAMESPACE = "demo", "default"
_TIMING = Timing(lease_duration=5.0)


@asynccontextmanager
async def lock_stage() -> AsyncIterator[Stage]:
    """Start the API server and make three members of the election; they are ended with the block."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tenure-demo-")))
        server = await stack.enter_async_context(DevServer())
        stage = _LockStage(server, folder)
        for member in stage.members:
            stack.push_async_callback(member.end)
        yield stage


class _LockStage(Stage):
    def __init__(self, server: DevServer, folder: Path) -> None:
        super().__init__()
        self._server = server
        self._kubeconfig = server.kubeconfig(folder / "kubeconfig")
        arguments = [
            f"--election={_ELECTION}",
            f"--election-namespace={_NAMESPACE}",
            f"--lease-duration={_TIMING.lease_duration:g}s",
            f"--kubeconfig={self._kubeconfig}",
        ]
        self.members = [Member(name, arguments, folder, self.news.set) for name in ("ada", "bob", "cyn")]

    async def tell(self) -> None:
        say(f"Three sidecars, an API server in memory, a lease of {_TIMING.lease_duration:g} s.\n")
        leader = await self.begin()
        leader = await self.take_over(leader, signal.SIGTERM, "it released the lease first")
        limit_ms = math.ceil(1000 * _TIMING.takeover_delay(_TIMING.lease_duration))
        leader = await self.take_over(
            leader, signal.SIGKILL, f"the lease had to run out: {limit_ms} ms after the last renewal"
        )
        await self._show_record()

    def look_further(self) -> None:
        say(f"  kubectl --kubeconfig={self._kubeconfig} get lease {_ELECTION} -o yaml")

    async def _show_record(self) -> None:
        async with shared_client(ClusterConfig(server=self._server.url)) as client:
            record = await client.get(LEASES, _NAMESPACE, _ELECTION, timeout=PATIENCE_S)
        say(f"\nThe record, as kubectl get lease {_ELECTION} -o yaml shows it:\n")
        for line in yaml.safe_dump(record).splitlines():
            say(click.style(f"  {line}", dim=True))
