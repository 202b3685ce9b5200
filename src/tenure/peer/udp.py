"""PeerDriver: drives a `PeerNode` over UDP, in asyncio.

The core decides; the driver owns the clock, the socket and the tasks. All inputs of the core arrive in the
event loop's thread, each followed by `_pump`, which sends and publishes what the core has to say.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, cast

from tenure.clock import BootTimer, boot_time
from tenure.errors import ConfigurationError, PermissionDeniedError
from tenure.events import Event
from tenure.fork import fork_generation
from tenure.outlast import outlast
from tenure.peer.discovery.discovery import Discovery
from tenure.peer.gate import Gate
from tenure.peer.keys import KeyFile
from tenure.peer.layout import LONGEST_NAME
from tenure.peer.membership import Address
from tenure.peer.node import PeerNode
from tenure.peer.refusal import Refusal
from tenure.peer.registered_node import RegisteredNode
from tenure.peer.registrar import Registrar
from tenure.requests import Request
from tenure.states import State

__all__ = ["PeerDriver"]

_log = logging.getLogger("tenure")
_LOOK_PERIOD_S = 5.0
# What tells of a member that is set up wrongly, or of somebody who is none.
_TELLING = {
    Refusal.UNKNOWN_KEY: "a peer seals with a secret that is not in {keys}: are all files the same?",
    Refusal.FORGED: "somebody sends what no secret of {keys} has sealed",
    Refusal.WRONG_CLUSTER: "a peer of another election sends here: is its name misspelt, or its address?",
    Refusal.WRONG_VERSION: "a peer speaks another version of the wire format",
    Refusal.RATE_LIMITED: "more datagrams arrive than members send: somebody floods this address",
}
# Closed or collected in a forked child, it would leave the epoll that parent and child share, and the parent
# would hear nothing from then on.
_inherited: list[asyncio.DatagramTransport] = []


class PeerDriver(asyncio.DatagramProtocol):
    """One peer on one socket; implements `tenure.candidacy.Candidacy`.

    Args:
        node: decides what is sent and what it means.
        gate: lets in what other peers have sealed, and seals what is sent.
        key_file: where its keys come from; read again from time to time.
        discovery: tells where they are.
        publish: is given every event, in the event loop's thread; must not block.
        registrar: for a `RegisteredNode`: carries its requests.

    Attributes:
        failed: carries the error that ends everything, if there is one.
        contact: set when the socket is open, or, with a registrar, when the API has answered or failed to.
    """

    def __init__(
        self,
        node: PeerNode,
        gate: Gate,
        key_file: KeyFile,
        discovery: Discovery,
        publish: Callable[[Event], None],
        registrar: Registrar | None = None,
    ) -> None:
        self.node = node
        self._gate = gate
        self._key_file = key_file
        self._discovery = discovery
        self._publish = publish
        self._registrar = registrar
        self._transport: asyncio.DatagramTransport | None = None
        self._timer = BootTimer(self._pump, check_period=node.timing.lease_duration / 20)
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._idle = asyncio.Event()
        self._closed = False
        self._generation = fork_generation()
        self.contact = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # ---- as a datagram protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send through this transport."""
        # (Python's own is no subclass of it before 3.12.)
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Let in what passes the gate."""
        if self._is_inert():
            return
        source = (addr[0], addr[1])
        admission = self._gate.admit(data, source, boot_time())
        if admission.answer is not None:
            self._send(admission.answer, source)
        if admission.envelope is not None:
            self._tell(partial(self.node.receive_message, admission.envelope, source))

    def error_received(self, exc: Exception) -> None:
        """Go on: somebody is not there, and the core notices that by itself."""

    # ---- as a candidacy

    def start(self) -> None:
        """Begin to look for peers, and to take part."""
        self._spawn(self._keep_looking(), "tenure discovery")
        self._spawn(self._keep_looking_after_the_gate(), "tenure gate")
        if self._registrar is None:
            self.contact.set()
        self._pump()

    def campaign(self) -> None:
        """Try to lead, from now on; every earlier body has ended."""
        self._tell(self.node.campaign)

    def resign(self) -> None:
        """Give up the campaign, or the term once its body has ended."""
        self._tell(self.node.resign)

    def transfer(self, to: str) -> None:
        """Give up the term, if there is one, for the candidate of this name; empty: for anybody else."""
        # (Nobody has a name that no datagram can carry.)
        self._tell(partial(self.node.transfer, to if len(to.encode()) <= LONGEST_NAME else ""))

    def set_eligible(self, eligible: bool) -> None:
        """Tell whether this candidate may campaign, and go on leading."""
        self._tell(partial(self.node.set_eligible, eligible))

    def body_ended(self) -> None:
        """The body of the present or last term has ended."""
        self._tell(self.node.body_ended)

    async def wait_idle(self) -> None:
        """Wait until nothing is left to be done, or everything has failed."""
        if self._is_inert():
            return
        idle = asyncio.create_task(self._idle.wait())
        either: set[asyncio.Future[Any]] = {idle, self.failed}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            idle.cancel()

    async def aclose(self) -> None:
        """Say that this peer stops, and stop; leaks no task and no socket."""
        if not self._is_inert():
            self.node.leave(boot_time())
            self._pump()
        self._closed = True
        self._timer.close()
        if self._transport is not None:
            if self._generation == fork_generation():
                self._transport.close()  # what is in its buffer is sent
            else:
                _inherited.append(self._transport)
        for task in self._tasks:
            task.cancel()
        cancelled = await outlast(asyncio.gather(*self._tasks, return_exceptions=True))
        if self.failed.done():
            self.failed.exception()  # whoever wanted it has it
        else:
            self.failed.cancel()
        if cancelled:
            raise asyncio.CancelledError

    # ---- the core's wishes

    def _is_inert(self) -> bool:
        """Closed, or a copy in a forked child: what it sent would be done in its parent's name (rule 5)."""
        return self._closed or self._generation != fork_generation()

    def _tell(self, action: Callable[[float], None]) -> None:
        if self._is_inert():
            return
        try:
            action(boot_time())
        except Exception as error:
            self._fail(error)
        else:
            self._pump()

    def _pump(self) -> None:
        if self._is_inert():
            return
        try:
            now = boot_time()
            if not self.failed.done():
                for address, envelope in self.node.messages_to_send(now):
                    self._send(self._gate.seal(envelope, address, now), address)
                if isinstance(self.node, RegisteredNode) and self._registrar is not None:
                    for request in self.node.requests_to_send(now):
                        self._spawn(self._register(self._registrar, request), "tenure registration")
            else:
                self.node.handle_timer(now)
            self._drain_events()
            self._timer.set(self.node.get_timer())
            if self.node.state is State.IDLE:
                self._idle.set()
            else:
                self._idle.clear()
        except Exception as error:
            self._fail(error)

    def _send(self, data: bytes, address: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)

    def _drain_events(self) -> None:
        while (event := self.node.next_event()) is not None:
            self._publish(event)

    def _fail(self, error: Exception) -> None:
        """Give up for good; a term is over (rule 1: an error inside the core counts as a loss)."""
        if self._is_inert() or self.failed.done():
            return
        if not isinstance(error, PermissionDeniedError | ConfigurationError):
            _log.error("tenure itself failed, which ends its term", exc_info=error)
        self.failed.set_exception(error)
        self.contact.set()
        self.node.fail(boot_time())
        self._drain_events()
        # A body that runs on still meets its hard limit.
        self._timer.set(self.node.get_timer())

    # ---- tasks

    async def _keep_looking(self) -> None:
        try:
            async for peers in self._discovery.watch():
                found = [(peer.name, (peer.host, peer.port)) for peer in peers]
                self._tell(partial(self.node.set_peers, found))
        except Exception as error:
            self._fail(error)

    async def _keep_looking_after_the_gate(self) -> None:
        told: set[str] = set()
        while True:
            await asyncio.sleep(_LOOK_PERIOD_S)
            for message in (self._renew_keys(), *self._refusals()):
                if message and message not in told:
                    _log.warning("%s", message)
                    told.add(message)

    def _renew_keys(self) -> str:
        """Take other keys as soon as the file has them; return what is wrong with it: then they stay."""
        try:
            if self._key_file.refresh():
                self._gate.keys = self._key_file.keys
        except ConfigurationError as error:
            return f"the keys stay as they were: {error}"
        return ""

    def _refusals(self) -> list[str]:
        refused = [kind for kind in _TELLING if self._gate.refused[kind]]
        return [_TELLING[kind].format(keys=self._key_file.path) for kind in refused]

    async def _register(self, registrar: Registrar, request: Request) -> None:
        try:
            await registrar.send(request)
        except Exception as error:
            self._fail(error)
        else:
            self._pump()
        self.contact.set()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
