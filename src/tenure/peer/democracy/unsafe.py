"""Democracy, which is UNSAFE: a member of a group of democracy.js, in asyncio."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, cast

from tenure.clock import BootTimer, boot_time
from tenure.errors import ConfigurationError
from tenure.fork import fork_generation
from tenure.peer.democracy.address import Address
from tenure.peer.democracy.members import Member
from tenure.peer.democracy.node import Node
from tenure.peer.democracy.options import Options

__all__ = ["Democracy"]

_log = logging.getLogger("tenure")
_NEVER_TOLD = ("hello", "vote", "subscribe")  # what members tell each other is no event of an application


class Democracy:
    """UNSAFE: one member of a group that elects as democracy.js 3.1.3 does, and may be a mixed one.

    A partition elects two leaders, one forged datagram deposes or elects anybody, and there is no fencing
    token. `LeaderElector` is for work that must not run twice.

    ``async with Democracy("10.0.0.7:12345", peers=["10.0.0.8:12345"]) as group: …``. Constructing it opens
    nothing; entering listens, and leaving resigns. All of it belongs to the event loop's thread.

    Args:
        source: own address, ``HOST:PORT``, numeric IPv4; the others learn it from packets and answer there.
        peers: addresses of others, known from the start; one's own may be among them.
        weight: above 0; the highest one wins an election, and takes nothing from a leader there is. Should be
            unique. None: drawn on entering.
        identity: unique name of this member. None: drawn on entering.
        interval: seconds between two hellos.
        timeout: seconds of silence after which a member is voted down.
        max_packet_size: UTF-16 units; longer messages are sent in chunks.
        channels: what the member is subscribed to from the start.

    Raises:
        ConfigurationError: something of it cannot work.
    """

    def __init__(
        self,
        source: str,
        *,
        peers: Sequence[str] = (),
        weight: float | None = None,
        identity: str | None = None,
        interval: float = 1.0,
        timeout: float = 3.0,
        max_packet_size: int = 508,
        channels: Sequence[str] = (),
    ) -> None:
        self._options = Options(
            source=source,
            peers=peers,
            weight=weight,
            identity=identity,
            interval=interval,
            timeout=timeout,
            max_packet_size=max_packet_size,
            channels=channels,
        )
        self._callbacks: dict[str, dict[object, Callable[[Any], object]]] = {}
        self._running: _Running | None = None

    def on(self, event: str, callback: Callable[[Any], object]) -> Callable[[], None]:
        """Call back when something happens; it must not block.

        ``added`` and ``removed`` are told a `Member`, ``leader`` the one that says that it was elected,
        ``elected`` and ``resigned`` this one; every other event is one of the application, and is told the
        data that was sent with it, or None. Nothing vouches for any of it.

        Returns:
            a function that ends it.

        Raises:
            ConfigurationError: nothing of this name ever happens.
        """
        if event in _NEVER_TOLD:
            raise ConfigurationError(f"{event!r} is no event: members tell it each other only")
        key = object()  # the same callback may come twice, and each subscription ends by itself
        self._callbacks.setdefault(event, {})[key] = callback

        def end() -> None:
            self._callbacks[event].pop(key, None)

        return end

    def is_leader(self) -> bool:
        """Tell whether this member believes that it leads; another one may believe the same."""
        return bool((running := self._here()) and running.node.is_leader)

    def leader(self) -> Member | None:
        """Return who leads, as far as this member knows."""
        return running.node.leader() if (running := self._here()) else None

    def members(self) -> list[Member]:
        """Return all that are taken for alive, this one last; none while it does not take part."""
        return running.node.members() if (running := self._here()) else []

    def send(self, event: str, data: object = None) -> None:
        """Send an event of the application to everybody, once, as far as datagrams go.

        Args:
            event: its name.
            data: what JSON can carry.

        Raises:
            ConfigurationError: no event may have this name, or the data is no JSON or too long.
            RuntimeError: it does not take part.
        """
        self._demand().perform(lambda node: node.send(event, data))

    def subscribe(self, channel: str) -> None:
        """Tell the others that this member wants what is published in a channel; it comes as event `channel`.

        Raises:
            ConfigurationError: no channel may have this name, or there are too many.
            RuntimeError: it does not take part.
        """
        self._demand().perform(lambda node: node.subscribe(channel))

    def publish(self, channel: str, data: object = None) -> None:
        """Send an event of the application to those that are subscribed to it; else like `send`."""
        self._demand().perform(lambda node: node.publish(channel, data))

    def resign(self) -> None:
        """Stop leading, if it leads; it may win the election that follows, which goes by weight again.

        Raises:
            RuntimeError: it does not take part.
        """
        self._demand().perform(Node.resign)

    async def __aenter__(self) -> Self:
        """Take part.

        Raises:
            ConfigurationError: it cannot listen on its address.
            RuntimeError: it takes part already.
        """
        if self._here():
            raise RuntimeError(f"{self._options.source} takes part already; make another Democracy")
        _log.warning(
            "UNSAFE: %s takes part in a group of democracy.js: a partition elects two leaders, and every "
            "datagram is believed; use LeaderElector for work that must not run twice",
            self._options.source,
        )
        self._running = running = _Running(self._options, self._tell)
        try:
            await running.open()
        except BaseException:
            self._running = None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if running := self._here():
                await running.aclose()
        finally:
            self._running = None

    def _here(self) -> _Running | None:
        """Return what runs in this process; that of a forked child's parent does not."""
        running = self._running
        return running if running and running.generation == fork_generation() else None

    def _demand(self) -> _Running:
        if running := self._here():
            return running
        raise RuntimeError(f"{self._options.source} does not take part: use it in `async with`")

    def _tell(self, event: str, about: object) -> None:
        for callback in tuple(self._callbacks.get(event, {}).values()):
            try:
                callback(about)
            except Exception:
                _log.exception("a callback of event %r failed", event)


class _Running(asyncio.DatagramProtocol):
    """The node of one use, with its socket and its timer."""

    def __init__(self, options: Options, tell: Callable[[str, object], None]) -> None:
        self._options = options
        self._tell = tell
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: BootTimer | None = None
        self._closed = asyncio.Event()
        self._failures: set[int | None] = set()  # numbers of errors that were told
        self.generation = fork_generation()
        # Drawn now, so that forked children of one that was constructed early do not share them.
        self.node = Node(
            options,
            identity=options.identity or secrets.token_urlsafe(8),
            weight=options.weight or 1 + secrets.randbelow(int(time.time() * 1000)),
            packet_prefix=secrets.token_urlsafe(6),
            now=boot_time(),
        )

    async def open(self) -> None:
        try:
            await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: self, local_addr=self._options.address, family=socket.AF_INET
            )
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {self._options.source}: {error.strerror or error}; it must be an address "
                "of this machine, and its port free"
            ) from error
        self._wake()

    async def aclose(self) -> None:
        self.perform(Node.leave)
        if self._transport:
            self._transport.close()
        self._silence()
        await self._closed.wait()

    def perform(self, action: Callable[[Node], object]) -> None:
        try:
            action(self.node)
        finally:
            self._pump()

    def _wake(self) -> None:
        self.perform(lambda node: node.handle_timer(boot_time()))

    def _pump(self) -> None:
        if not (self._transport and self._timer) or self.generation != fork_generation():
            return  # in a forked child: what it sent would be sent in its parent's name
        while (event := self.node.next_event()) is not None:
            self._tell(*event)  # before the datagrams: who resigns has stopped before others know it
        for datagram, address in self.node.datagrams_to_send():
            self._transport.sendto(datagram, address)
        self._timer.set(self.node.get_timer())

    def _silence(self) -> None:
        self._transport = None
        if self._timer:
            self._timer.close()

    # ---- of asyncio.DatagramProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # of which it is no subclass everywhere
        self._timer = BootTimer(self._wake)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.perform(lambda node: node.receive_datagram(data, addr, boot_time()))

    def error_received(self, exc: Exception) -> None:
        number = getattr(exc, "errno", None)
        if number not in self._failures:
            self._failures.add(number)
            _log.warning("%s: a datagram could not be sent or received: %s", self._options.source, exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self._silence()  # also where entering was cancelled
        self._closed.set()
