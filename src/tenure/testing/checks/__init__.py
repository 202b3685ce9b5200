"""Checks: the sentences of the safety contract, each judged from what truly happened.

They know true time and every clock, and trust nothing that a core says of itself: a term is what its program
was told of it, and a renewal is what the store accepted.
"""

from __future__ import annotations

from tenure.testing.checks.check import Complain
from tenure.testing.checks.ends import BodiesEnd, CountsFromTheSending, NothingAfterTheEnd
from tenure.testing.checks.losses import LosesAtOnce, LosesForAReason, TriesToTheEnd
from tenure.testing.checks.one_valid_term import OneValidTerm
from tenure.testing.checks.takeovers import ReleasesOnlyItsOwn, WaitsItsTurn
from tenure.testing.checks.tokens import TokensRise
from tenure.testing.chronicle import Chronicle
from tenure.testing.world import Observer

__all__ = ["checks_of"]


def checks_of(chronicle: Chronicle, complain: Complain) -> tuple[Observer, ...]:
    """Return the chronicle and all checks of one election, in the order in which they are to be told.

    Args:
        chronicle: keeps the facts.
        complain: is called with what broke a sentence: ``KIND: details``.
    """
    return (
        chronicle,
        OneValidTerm(chronicle, complain),
        CountsFromTheSending(chronicle, complain),
        NothingAfterTheEnd(chronicle, complain),
        BodiesEnd(chronicle, complain),
        WaitsItsTurn(chronicle, complain),
        ReleasesOnlyItsOwn(chronicle, complain),
        LosesAtOnce(chronicle, complain),
        LosesForAReason(chronicle, complain),
        TriesToTheEnd(chronicle, complain),
        TokensRise(chronicle, complain),
    )
