"""Messages: what peers tell each other; `tenure.peer.wire` puts them into datagrams.

All of it is a hint, except what acceptors and proposers say: `Prepare` to `Released`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tenure.peer.ballot import Ballot

__all__ = [
    "Accept",
    "Body",
    "Bye",
    "Envelope",
    "Held",
    "Leading",
    "Nack",
    "Ping",
    "Pong",
    "Prepare",
    "Promise",
    "Propose",
    "Release",
    "Released",
    "Request",
    "Vacant",
]


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? Whoever hears of a peer that is missed looks for itself.

    Attributes:
        number: the answer repeats it.
        voters: digest of those that the sender goes by.
        missed: names of peers that do not answer the sender.
    """

    number: int
    voters: int = 0
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pong:
    """I am; `number` is that of the ping."""

    number: int


@dataclass(frozen=True, slots=True)
class Prepare:
    """A proposer asks an acceptor to promise this ballot."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Promise:
    """An acceptor will accept nothing older; nobody else holds a lease there."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing was promised: somebody else holds a lease there, for `remaining` seconds more."""

    ballot: Ballot
    remaining: float


@dataclass(frozen=True, slots=True)
class Nack:
    """Nothing was promised or accepted: the acceptor has promised `round` to somebody."""

    ballot: Ballot
    round: int


@dataclass(frozen=True, slots=True)
class Propose:
    """A proposer asks an acceptor that promised to grant the lease.

    Attributes:
        ballot: the promised one.
        lease: T, seconds.
        incarnation: of the acceptor when it promised; one that has restarted meanwhile has forgotten it.
    """

    ballot: Ballot
    lease: float
    incarnation: bytes


@dataclass(frozen=True, slots=True)
class Accept:
    """An acceptor has granted the lease."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Release:
    """The owner of a lease gives it back, having stopped to act on it: this ballot and its earlier ones."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Released:
    """The acceptor does not hold that ballot any more, nor an earlier one of its proposer."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Leading:
    """The sender leads.

    Attributes:
        token: the fencing token of its term, as an integer.
        remaining: seconds until acceptors may grant the lease to another, if it is not extended.
    """

    token: int
    remaining: float


@dataclass(frozen=True, slots=True)
class Vacant:
    """The sender led, and has given its lease back; `heir`: who is to lead next, empty: anybody."""

    heir: str


@dataclass(frozen=True, slots=True)
class Request:
    """The leader is asked to hand over to the sender, which has a higher priority."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The sender stops."""


Body = (
    Ping
    | Pong
    | Prepare
    | Promise
    | Held
    | Nack
    | Propose
    | Accept
    | Release
    | Released
    | Leading
    | Vacant
    | Request
    | Bye
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message, and what is told with every message.

    Attributes:
        sender: its name.
        incarnation: its own, 16 random bytes made when its process started.
        epoch: of its `Electorate`.
        highest: the highest round that it knows of: an acceptor that has restarted learns it from there.
        priority: of its candidate.
        eligible: it would lead if it were elected.
        body: what it has to say.
    """

    sender: str
    incarnation: bytes
    epoch: int
    highest: int
    priority: int
    eligible: bool
    body: Body
