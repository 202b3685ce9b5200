"""Fence: the highest fencing token that a resource has seen, kept by that resource."""

from __future__ import annotations

from typing import Protocol

from tenure.errors import ConfigurationError, StaleTokenError
from tenure.token import FencingToken

__all__ = ["Fence", "demand_election", "stale"]


class Fence(Protocol):
    """What every adapter of `tenure.fencing` for asyncio offers; those for threads have it without ``async``.

    The highest token lives in the store that is protected, or it protects nothing (rule 10 of the contract).
    A token of another election than the one that the fence belongs to is a `TypeError`.
    """

    async def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token`: do it first in every term, before the first read.

        A fence that has not seen the new token still accepts the writes of the old leader, so what was read
        before may be changed by it afterwards.

        Raises:
            StaleTokenError: it has seen a higher token. An equal one passes.
        """
        ...


def stale(where: str, highest: int, token: FencingToken) -> StaleTokenError:
    """Return the error with which a fence refuses `token`.

    Args:
        where: the fence, such as ``table tenure_fence``.
        highest: the highest token that it has seen, as one integer.
        token: that it refuses.
    """
    election = token.election or "this election"
    return StaleTokenError(
        f"{where} has seen token {highest} of {election} and refuses {token}: a later term has begun"
    )


def demand_election(token: FencingToken) -> None:
    """Refuse a token that does not tell its election: it would pass beside those of all others, unchecked.

    Raises:
        ConfigurationError: it names none, as one that was read from its decimal form alone.
    """
    if not token.election:
        raise ConfigurationError(
            f"token {token} names no election, and each has a fence of its own: "
            "FencingToken.parse(text, election='NAMESPACE/NAME')"
        )
