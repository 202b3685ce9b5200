"""PeerDriver: drives a `PeerNode` over UDP, in asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from tenure.clock import boot_time
from tenure.core_driver import CoreDriver
from tenure.errors import ConfigurationError
from tenure.events import Event, RecordTrouble
from tenure.fork import fork_generation
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

_LOOK_PERIOD_S = 5.0
# What tells of a member that is set up wrongly, or of somebody who is none.
_TELLING = {
    Refusal.UNKNOWN_KEY: "a peer seals with a secret that is not in {keys}: are all files the same?",
    Refusal.FORGED: "somebody sends what no secret of {keys} has sealed",
    Refusal.WRONG_CLUSTER: "a peer of another election sends here: is its name misspelt, or its address?",
    Refusal.WRONG_VERSION: "a peer speaks another version of the wire format",
    Refusal.RATE_LIMITED: "more datagrams arrive than members send: somebody floods this address",
}
# In a forked child: closed or collected, it would leave the epoll that child and parent share, and the parent
# would hear nothing from then on.
_inherited: list[asyncio.DatagramTransport] = []


class PeerDriver(CoreDriver[PeerNode], asyncio.DatagramProtocol):
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
        super().__init__(node, node.timing, publish)
        self._gate = gate
        self._key_file = key_file
        self._discovery = discovery
        self._registrar = registrar
        self._transport: asyncio.DatagramTransport | None = None

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
            self._tell(partial(self.core.receive_message, admission.envelope, source))

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
        self._tell(self.core.campaign)

    def resign(self) -> None:
        """Give up the campaign, or the term once its body has ended."""
        self._tell(self.core.resign)

    def transfer(self, to: str) -> None:
        """Give up the term, if there is one, for the candidate of this name; empty: for anybody else."""
        # (Nobody has a name that no datagram can carry.)
        self._tell(partial(self.core.transfer, to if len(to.encode()) <= LONGEST_NAME else ""))

    def set_eligible(self, eligible: bool) -> None:
        """Tell whether this candidate may campaign, and go on leading."""
        self._tell(partial(self.core.set_eligible, eligible))

    def body_ended(self) -> None:
        """The body of the present or last term has ended."""
        self._tell(self.core.body_ended)

    async def aclose(self) -> None:
        """Say that this peer stops, and stop; leaks no task and no socket."""
        if not self._is_inert():
            self.core.leave(boot_time())
            self._pump()
        if self._transport is not None:
            if self._generation == fork_generation():
                self._transport.close()  # what is in its buffer is sent
            else:
                _inherited.append(self._transport)
        await super().aclose()

    # ---- the core's wishes

    def _send_all(self, now: float) -> None:
        messages, requests = self.core.messages_to_send(now), self._requests(now)
        if self.failed.done():
            return  # nobody gets them
        for address, envelope in messages:
            self._send(self._gate.seal(envelope, address, now), address)
        for registrar, request in requests:
            self._spawn(self._register(registrar, request), "tenure registration")

    def _is_idle(self) -> bool:
        return self.core.state is State.IDLE

    def _requests(self, now: float) -> list[tuple[Registrar, Request]]:
        if self._registrar is None or not isinstance(self.core, RegisteredNode):
            return []
        return [(self._registrar, request) for request in self.core.requests_to_send(now)]

    def _send(self, data: bytes, address: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)

    # ---- tasks

    async def _keep_looking(self) -> None:
        try:
            async for peers in self._discovery.watch():
                found = [(peer.name, (peer.host, peer.port)) for peer in peers]
                self._tell(partial(self.core.set_peers, found))
        except Exception as error:
            self._fail(error)

    async def _keep_looking_after_the_gate(self) -> None:
        told: set[str] = set()
        while True:
            await asyncio.sleep(_LOOK_PERIOD_S)
            for message in (self._renew_keys(), *self._refusals()):
                if message and message not in told:
                    self._publish(RecordTrouble(message=message))
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
