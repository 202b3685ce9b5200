"""Gate: what comes in of all that arrives, and how it is addressed what goes out.

Pure. A datagram is let in once, and only by the process that it was sealed for: it names that process's
incarnation and a session. A receiver offers a session to each incarnation of each sender, by a *greeting*
that answers its first datagram; the numbers of sessions rise. Whatever was recorded before the receiver
started, or before the sender's incarnation was replaced, names what nobody goes by any more. So nothing has
to be remembered of processes that are gone, and a repeated datagram changes nothing, also after a restart.

Nodes see nothing of all this: the gate repeats what was answered by a greeting, addressed anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from tenure.peer.keys import Keys
from tenure.peer.messages import Envelope
from tenure.peer.rate_limit import RateLimit
from tenure.peer.recent import Recent
from tenure.peer.refusal import Refusal, RefusedError
from tenure.peer.window import Window
from tenure.peer.wire import (
    NOBODY,
    Header,
    Route,
    cluster_of,
    decode,
    encode,
    encode_greeting,
    read_header,
)

__all__ = ["MOST_MEMBERS", "Address", "Admission", "Gate"]

Address = tuple[str, int]
"""Host and port, as a socket tells them and takes them."""

MOST_MEMBERS = 1024
"""How many senders, and how many addresses to send to, are remembered: those used last."""

_REPEATED_WITHIN_S = 1.0
"""After that a message is too old to be said again, whoever made the receiver ask for it."""


class Admission(NamedTuple):
    """What becomes of a datagram.

    Attributes:
        envelope: the message that it lets in; None: none.
        answer: a datagram to be sent back to where it came from; None: none.
    """

    envelope: Envelope | None = None
    answer: bytes | None = None


@dataclass(slots=True)
class _Sender:
    """Who is let in: the incarnation of a name that has the session."""

    incarnation: bytes
    session: int
    window: Window = field(default_factory=Window)


@dataclass(slots=True)
class _Receiver:
    """Who is sent to: as whom an address wants to be addressed, and what was said to it last."""

    incarnation: bytes = NOBODY
    session: int = 0
    last: Envelope | None = None
    sequence: int = 0
    sent_at: float = 0.0


class Gate:
    """Between one node and its network.

    Args:
        election: ``NAMESPACE/NAME``; datagrams of others are refused.
        keys: the shared secrets.
        incarnation: of this process.

    Attributes:
        keys: to be replaced when their file has changed.
        admitted: how many messages were let in.
        greeted: how many greetings were.
        refused: how many datagrams were not, by reason.
    """

    def __init__(self, election: str, keys: Keys, incarnation: bytes) -> None:
        self.keys = keys
        self.admitted = self.greeted = 0
        self.refused: Counter[Refusal] = Counter()
        self._cluster = cluster_of(election)
        self._incarnation = incarnation
        self._sequence = 0
        self._rate_limit = RateLimit()
        self._receivers: Recent[Address, _Receiver] = Recent(MOST_MEMBERS)
        self._answered = Window()  # of the own datagrams, those that a greeting has answered
        self._senders: Recent[str, _Sender] = Recent(MOST_MEMBERS)
        self._newest_session = 0
        self._forgotten_session = 0  # the highest of a sender that was forgotten

    def seal(self, envelope: Envelope, to: Address, now: float) -> bytes:
        """Return the datagram that brings a message to an address.

        Args:
            envelope: the message, of this process's incarnation.
            to: where the datagram is about to be sent; no other address can use it.
            now: boot time, seconds.

        Raises:
            ValueError: a value has no place in a datagram; the message names it.
        """
        receiver = self._receivers.get(to)
        if receiver is None:
            receiver = _Receiver()
            self._receivers.put(to, receiver)
        self._sequence += 1
        route = Route(receiver.incarnation, receiver.session, self._sequence)
        data = encode(envelope, route, self._cluster, self.keys)
        receiver.last, receiver.sequence, receiver.sent_at = envelope, self._sequence, now
        return data

    def admit(self, data: bytes, source: Address, now: float) -> Admission:
        """Look at a datagram that has arrived; it is counted, whatever it is.

        Args:
            data: the datagram.
            source: where it came from.
            now: boot time, seconds.
        """
        try:
            header = read_header(data, self._cluster)
            if not self._rate_limit.take(source[0], now):
                raise RefusedError(Refusal.RATE_LIMITED)
            envelope = decode(data, header, self.keys)
            if header.incarnation == self._incarnation:
                raise RefusedError(Refusal.OWN)
            if envelope is None:
                return Admission(answer=self._take_greeting(header, source, now))
            if not self._enters(envelope.sender, header):
                self.refused[Refusal.OUTDATED] += 1
                return Admission(answer=self._greeting(envelope.sender, header))
        except RefusedError as error:
            self.refused[error.refusal] += 1
            return Admission()
        self.admitted += 1
        self._rate_limit.know(source[0])
        return Admission(envelope)

    def _enters(self, name: str, header: Header) -> bool:
        """Tell whether a datagram is for this process, and of the session that its sender has or now begins.

        Raises:
            RefusedError: it is, and has been let in before.
        """
        route = header.route
        if route.receiver != self._incarnation:
            return False
        sender = self._senders.get(name)
        if sender is not None and sender.incarnation == header.incarnation:
            if route.session != sender.session:
                return False
        else:
            past = self._forgotten_session if sender is None else sender.session
            if not past < route.session <= self._newest_session + 1:
                return False
            sender = self._begin_session(name, header)
        if not sender.window.take(route.sequence):
            raise RefusedError(Refusal.REPLAYED)
        return True

    def _begin_session(self, name: str, header: Header) -> _Sender:
        sender = _Sender(header.incarnation, header.route.session)
        self._newest_session = max(self._newest_session, sender.session)
        if (forgotten := self._senders.put(name, sender)) is not None:
            self._forgotten_session = max(self._forgotten_session, forgotten.session)
        return sender

    def _greeting(self, name: str, header: Header) -> bytes:
        sender = self._senders.get(name)
        if sender is not None and sender.incarnation == header.incarnation:
            session = sender.session
        else:
            session = self._newest_session + 1
        route = Route(header.incarnation, session, header.route.sequence)
        return encode_greeting(self._incarnation, route, self._cluster, self.keys)

    def _take_greeting(self, header: Header, source: Address, now: float) -> bytes | None:
        """Address this receiver as it wishes from now on; return again what it could not let in."""
        route = header.route
        if route.receiver != self._incarnation or route.sequence > self._sequence:
            raise RefusedError(Refusal.OUTDATED)
        if not self._answered.take(route.sequence):
            raise RefusedError(Refusal.REPLAYED)
        self.greeted += 1
        receiver = self._receivers.get(source) or _Receiver()
        receiver.incarnation, receiver.session = header.incarnation, route.session
        self._receivers.put(source, receiver)
        is_latest = receiver.sequence == route.sequence and now - receiver.sent_at < _REPEATED_WITHIN_S
        return self.seal(receiver.last, source, now) if receiver.last is not None and is_latest else None
