"""Candidacy: what an elector needs of whatever elects, be it a lock or the peers themselves."""

from __future__ import annotations

from asyncio import Event, Future
from typing import Protocol

__all__ = ["Candidacy"]


class Candidacy(Protocol):
    """A candidate that is connected and driven; it tells what happens as events of `tenure.events`."""

    failed: Future[None]
    """Carries the error that ends the candidacy for good, if there is one."""

    contact: Event
    """Set when the store has answered, or failed to, for the first time."""

    def start(self) -> None:
        """Begin to look around, and to send what there is to be sent."""
        ...

    def campaign(self) -> None:
        """Try to lead, from now on."""
        ...

    def resign(self) -> None:
        """Give up the campaign, or the term once its body has ended."""
        ...

    def transfer(self, to: str) -> None:
        """Give up the term, if there is one, for the candidate of this name; empty: for anybody else."""
        ...

    def set_eligible(self, eligible: bool) -> None:
        """Tell whether this candidate may campaign, and go on leading."""
        ...

    def body_ended(self) -> None:
        """The body of the present or last term has ended."""
        ...

    async def wait_idle(self) -> None:
        """Wait until nothing is left to be done: no campaign, no term, nothing to release."""
        ...

    async def aclose(self) -> None:
        """Stop everything at once; leaks no task and no connection."""
        ...
