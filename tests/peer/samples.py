"""Samples: messages of every kind, fixed ones and drawn ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tenure.handover import HIGHEST_PRIORITY
from tenure.peer.ballot import Ballot
from tenure.peer.keys import Keys
from tenure.peer.layout import (
    BALLOT,
    INCARNATION,
    LONGEST_NAME,
    MOST_NAMES,
    NAME,
    NAMES,
    OPTIONAL_NAME,
    SECONDS,
    TOKEN,
    U32,
    U64,
    Kind,
)
from tenure.peer.messages import (
    Accept,
    Body,
    Bye,
    Envelope,
    Held,
    Leading,
    Nack,
    Ping,
    Pong,
    Prepare,
    Promise,
    Propose,
    Release,
    Released,
    Request,
    Vacant,
)
from tenure.peer.wire import LAYOUTS, Layout

__all__ = ["BODIES", "ELECTION", "KEYS", "RECEIVER", "SENDER", "envelope", "envelopes", "incarnations"]

ELECTION = "jobs/reports"
KEYS = Keys.of(b"first-secret-of-the-tests-0123456789", b"second-secret-of-the-tests-123456789")
SENDER, RECEIVER = bytes(range(0x10, 0x20)), bytes(range(0xA0, 0xB0))
_ROUND = 1_795_246_260_000
_BALLOT = Ballot(_ROUND, SENDER)

BODIES: tuple[Body, ...] = (
    Ping(7),
    Ping(8, 0xC0FFEE, ("reports-1", "reports-2")),
    Pong(7),
    Prepare(_BALLOT),
    Promise(_BALLOT),
    Held(_BALLOT, 1.25),
    Nack(_BALLOT, _ROUND + 3),
    Propose(_BALLOT, 2.0, RECEIVER),
    Accept(_BALLOT),
    Release(_BALLOT),
    Released(_BALLOT),
    Leading((1 << 64) + 203, 1.999999),
    Vacant(""),
    Vacant("reports-2"),
    Request(),
    Bye(),
)


def envelope(body: Body, sender: str = "reports-0", incarnation: bytes = SENDER) -> Envelope:
    """Return a message with this body."""
    return Envelope(
        sender=sender,
        incarnation=incarnation,
        epoch=3,
        highest=_ROUND,
        priority=10,
        eligible=True,
        body=body,
    )


def _texts(shortest: int) -> st.SearchStrategy[str]:
    of_any_kind = st.text(min_size=shortest, max_size=60)
    return of_any_kind | st.text("日é-a.", min_size=shortest, max_size=LONGEST_NAME).filter(
        lambda text: len(text.encode()) <= LONGEST_NAME
    )


_U64S = st.integers(0, 2**64 - 1)
incarnations = st.binary(min_size=16, max_size=16)
_VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    U32: st.integers(0, 2**32 - 1),
    U64: _U64S,
    TOKEN: st.integers(0, 2**128 - 1),
    SECONDS: st.integers(0, 2**48 - 1).map(lambda microseconds: microseconds / 1_000_000),
    INCARNATION: incarnations,
    BALLOT: st.builds(Ballot, _U64S, incarnations),
    NAME: _texts(1),
    OPTIONAL_NAME: _texts(0),
    NAMES: st.lists(_texts(1), max_size=MOST_NAMES).map(tuple),
}


def _bodies(layout: Layout) -> st.SearchStrategy[Body]:
    return st.builds(layout.body, **{name: _VALUES[kind] for name, kind in layout.fields})


envelopes: st.SearchStrategy[Envelope] = st.builds(
    Envelope,
    sender=_texts(1),
    incarnation=incarnations,
    epoch=_U64S,
    highest=_U64S,
    priority=st.integers(0, HIGHEST_PRIORITY),
    eligible=st.booleans(),
    body=st.one_of([_bodies(layout) for layout in LAYOUTS]),
)
