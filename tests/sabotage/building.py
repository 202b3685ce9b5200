"""Building: a production core with one of its parts broken."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tenure.attempts import Attempts
from tenure.claim import Claim
from tenure.election import Election
from tenure.knowledge import Knowledge
from tenure.proof import Proof
from tenure.timing import Timing

__all__ = ["build"]


def build(broken: type, **given: Any) -> Election:
    """Return an election with `broken` in the place of the production class that it is derived from.

    Args:
        broken: derived from `Election`, `Timing`, `Knowledge`, `Attempts`, `Proof` or `Claim`.
        given: the arguments of `Election`.

    Raises:
        TypeError: it is derived from none of them.
    """
    if issubclass(broken, Election):
        return broken(**given)
    if issubclass(broken, Timing):
        return Election(**{**given, "timing": broken(**asdict(given["timing"]))})
    election = Election(**given)
    if issubclass(broken, Knowledge):
        election._claim.knowledge = broken(election.timing)
    elif issubclass(broken, Attempts):
        election._claim.attempts = broken(election.identity, election.incarnation)
    elif issubclass(broken, Claim):
        claim = election._claim
        election._claim = broken(election.timing, claim.knowledge, claim.attempts, claim.proof)
    elif issubclass(broken, Proof):
        election._claim.proof = broken(required=election._claim.proof._required)
    else:
        raise TypeError(f"{broken.__name__} is derived from no part of an election")
    return election
