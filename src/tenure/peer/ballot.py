"""Ballot: one try of one proposer to get the leader lease."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["NO_BALLOT", "Ballot"]


class Ballot(NamedTuple):
    """Names one round of messages among all that were ever tried.

    Only rounds are ordered. Of two proposers with the same round at most one gets a majority, since an
    acceptor promises a round once: so the round of a term is a token that no other term has.

    Attributes:
        round: rises with every try.
        proposer: its incarnation, 16 random bytes made when its process starts.
    """

    round: int
    proposer: bytes


NO_BALLOT = Ballot(0, b"")
"""Lower than all that a proposer makes."""
