"""Node: one member of a group of democracy.js as a pure state machine.

It elects as democracy.js 3.1.3 does, faults included: one vote of anybody removes a member.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from tenure.errors import ConfigurationError
from tenure.peer.democracy.address import Address, format_address, parse_address
from tenure.peer.democracy.chunks import Assembly, cut
from tenure.peer.democracy.members import Member, Members
from tenure.peer.democracy.options import Options
from tenure.peer.democracy.packets import (
    MOST_CHANNELS,
    RESERVED,
    Chunk,
    MalformedError,
    Message,
    Presence,
    Vote,
    checked_event,
    decode,
    decode_text,
    encode_presence,
    encode_vote,
)

__all__ = ["Node"]


class Node:
    """One member; `now` is boot time in seconds, everywhere.

    Args:
        options: as the user gave them.
        identity: of this member; unique.
        weight: of this member, above 0.
        packet_prefix: begins the names of messages that are sent in chunks; unique.
        now: when it starts. It has to be driven at `get_timer` from then on.

    Attributes:
        refused: how many packets said nothing, or what nobody may say.
    """

    def __init__(
        self, options: Options, *, identity: str, weight: float, packet_prefix: str, now: float
    ) -> None:
        self._options = options
        self._identity = identity
        self._weight = float(weight)
        self._packet_prefix = packet_prefix
        self._packets = 0
        self._channels = list(options.channels)
        self._members = Members()
        self._assembly = Assembly(options.timeout)
        self._is_leader = False
        self._had_election = False  # somebody leads, or led
        self._next_hello = now
        self._first_vote = now
        self._first_election = now + 2 * options.interval
        self._outbox: list[tuple[bytes, Address]] = []
        self._events: deque[tuple[str, object]] = deque()
        self.refused = 0

    # ---- what is known

    @property
    def is_leader(self) -> bool:
        """Whether this member believes that it leads."""
        return self._is_leader

    def members(self) -> list[Member]:
        """Return all that are taken for alive, this one last."""
        return [*self._members, self._myself()]

    def leader(self) -> Member | None:
        """Return the leader; of several that are known this member itself, or else the heaviest."""
        if self._is_leader:
            return self._myself()
        return max((m for m in self._members if m.state == "leader"), key=_claim, default=None)

    # ---- inputs

    def receive_datagram(self, datagram: bytes, sender: Address, now: float) -> None:
        """Take in what came from an address, whatever it is."""
        try:
            message = decode(datagram)
            if isinstance(message, Chunk):
                text = self._assembly.add(sender, message, now)
                if text is None:
                    return
                message = decode_text(text)
        except MalformedError:
            self.refused += 1
            return
        if message.identity != self._identity:
            self._receive(message, sender, now)

    def handle_timer(self, now: float) -> None:
        """Do what is due: say hello, vote down who is silent, hold the first election."""
        if now >= self._next_hello:
            self._next_hello += self._options.interval
            if self._next_hello <= now:
                # Who was stopped has heard nobody, and cannot tell who is dead.
                self._first_vote = now + self._options.timeout
                self._next_hello = now + self._options.interval
            self._announce("hello")
            if now >= self._first_vote:
                self._vote(now)
            self._members.forget(now)
            self._assembly.forget(now)
        if now >= self._first_election:
            self._first_election = math.inf
            if self.leader() is None:
                self._elect()

    def send(self, event: str, data: object = None) -> None:
        """Send an event of the application to everybody.

        Raises:
            ConfigurationError: no event may have this name, or the data is no JSON or too long.
        """
        self._announce(checked_event(event), data)

    def publish(self, channel: str, data: object = None) -> None:
        """Send an event of the application to those that are subscribed to it.

        Raises:
            ConfigurationError: as for `send`.
        """
        self._send(self._presence(checked_event(channel), data), self._members.subscribers(channel))

    def subscribe(self, channel: str) -> None:
        """Tell everybody that this member wants what is published in a channel.

        Raises:
            ConfigurationError: no channel may have this name, or there are too many.
        """
        if channel in self._channels:
            return
        if len(self._channels) >= MOST_CHANNELS:
            raise ConfigurationError(f"a member has at most {MOST_CHANNELS} channels: leave some out")
        self._channels.append(checked_event(channel))
        self._announce("subscribe", {"channel": channel})

    def resign(self) -> None:
        """Stop leading, if this member leads; it may win the election that follows."""
        if self._is_leader:
            self._step_down()
            self._announce("hello")

    def leave(self) -> None:
        """Stop leading, and go: voting for one's own removal spares the others the timeout."""
        if self._is_leader:
            self._step_down()
        self._accuse(self._identity)

    # ---- outputs

    def get_timer(self) -> float:
        """Return when `handle_timer` is due."""
        return min(self._next_hello, self._first_election)

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        """Return what has to be sent, and where to; once."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def next_event(self) -> tuple[str, object] | None:
        """Return the next event that was not returned yet: its name, and a `Member` or the data that came."""
        return self._events.popleft() if self._events else None

    # ---- what others say

    def _receive(self, message: Message, sender: Address, now: float) -> None:
        if isinstance(message, Presence):
            self._hear(message, sender, now)
        elif isinstance(message, Vote):
            self._remove(message.candidate)
        elif message.event in RESERVED:
            self.refused += 1  # nobody else knows what happens to this member
        else:
            self._events.append((message.event, message.data))

    def _hear(self, presence: Presence, sender: Address, now: float) -> None:
        if not self._members.make_room(presence.identity):
            self.refused += 1
            return
        if came := self._members.hear(presence, _address_of(presence, sender), now):
            self._events.append(("added", came))
        if presence.event == "leader":
            self._events.append(("leader", self._members.get(presence.identity)))
        elif presence.event == "hello":
            self._judge(presence)

    def _judge(self, hello: Presence) -> None:
        """Elect if there are two leaders, or none any more."""
        # On a hello only: members that disagree on a weight would answer each other without end.
        if self._is_leader and hello.is_leader:
            self._elect()
        if self._had_election and self.leader() is None:
            self._elect()
        self._had_election = self._had_election or self.leader() is not None

    # ---- elections

    def _vote(self, now: float) -> None:
        for identity in self._members.accuse_silent(now, self._options.timeout):
            self._accuse(identity)
            self._remove(identity)

    def _accuse(self, candidate: str) -> None:
        source = format_address(self._options.address)
        self._send(
            encode_vote(identity=self._identity, candidate=candidate, source=source), self._everybody()
        )

    def _remove(self, identity: str) -> None:
        if was := self._members.remove(identity):
            self._events.append(("removed", self._members.get(identity)))
            if was.state == "leader":
                self._elect()

    def _elect(self) -> None:
        self._had_election = True
        winner = max(self.members(), key=_claim)
        if winner.identity != self._identity:
            self.resign()
            self._members.mark(winner.identity, "leader")
            return
        if not self._is_leader:
            self._is_leader = True
            self._events.append(("elected", self._myself()))
        self._announce("leader")

    def _step_down(self) -> None:
        self._is_leader = False
        self._events.append(("resigned", self._myself()))

    # ---- what this one says

    def _myself(self) -> Member:
        return Member(
            identity=self._identity,
            weight=self._weight,
            state="leader" if self._is_leader else "citizen",
            source=format_address(self._options.address),
            channels=tuple(self._channels),
        )

    def _announce(self, event: str, data: object = None) -> None:
        self._send(self._presence(event, data), self._everybody())

    def _presence(self, event: str, data: object) -> str:
        return encode_presence(
            event,
            identity=self._identity,
            weight=self._weight,
            is_leader=self._is_leader,
            channels=self._channels,
            source=format_address(self._options.address),
            data=data,
        )

    def _everybody(self) -> Iterable[Address]:
        return (*self._options.configured, *self._members.addresses())

    def _send(self, text: str, to: Iterable[Address]) -> None:
        self._packets += 1
        datagrams = cut(text, self._options.max_packet_size, f"{self._packet_prefix}{self._packets:x}")
        addresses = dict.fromkeys(to)
        addresses.pop(self._options.address, None)  # somebody else may claim it
        self._outbox += [(datagram, address) for datagram in datagrams for address in addresses]


def _claim(member: Member) -> tuple[float, str]:
    return member.weight, member.identity


def _address_of(presence: Presence, sender: Address) -> Address:
    try:
        return parse_address(presence.source)
    except ConfigurationError:  # a name, or 0.0.0.0, which is the default there
        return sender
