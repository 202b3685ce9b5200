"""Venue: where an election is held, be it a lock or among the peers themselves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from tenure.candidacy import Candidacy
from tenure.election import OnMissing
from tenure.events import Event
from tenure.handover import Preference
from tenure.timing import Timing

__all__ = ["Candidature", "Venue"]


@dataclass(frozen=True, kw_only=True)
class Candidature:
    """Who campaigns, and how.

    Attributes:
        identity: its name.
        timing: the durations.
        drain_timeout: seconds that a body may take to end.
        on_missing: what a missing record means; see `tenure.LeaderElector`.
        epoch: of the fencing tokens.
        preference: how much it wants to lead.
    """

    identity: str
    timing: Timing
    drain_timeout: float
    on_missing: OnMissing
    epoch: int
    preference: Preference


class Venue(Protocol):
    """Names a place for an election; holds no connection."""

    def describe(self) -> str:
        """Return what it is, for people, such as ``lease default/reports``."""
        ...

    @property
    def election(self) -> str:
        """The election, ``NAMESPACE/NAME``; known once the venue is open."""
        ...

    def open(
        self, candidature: Candidature, publish: Callable[[Event], None]
    ) -> AbstractAsyncContextManager[Candidacy]:
        """Connect within the running event loop; the candidacy is not started yet.

        Args:
            candidature: who campaigns.
            publish: is given every event, in the event loop's thread; must not block.

        Raises:
            ConfigurationError: on entry, if this cannot work; the message names the remedies.
        """
        ...
