"""LockVenue: an election whose source of truth is a lock."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tenure.candidacy import Candidacy
from tenure.election import Election
from tenure.events import Event
from tenure.lock import Lock
from tenure.lock_candidacy import LockCandidacy
from tenure.venue import Candidature

__all__ = ["LockVenue"]


class LockVenue:
    """One lock; implements `tenure.venue.Venue`.

    Args:
        lock: where the record lives.
    """

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    def describe(self) -> str:
        """Return kind, namespace and name of the lock."""
        return self._lock.describe()

    @property
    def election(self) -> str:
        """The lock's."""
        return self._lock.election

    @asynccontextmanager
    async def open(
        self, candidature: Candidature, publish: Callable[[Event], None]
    ) -> AsyncIterator[Candidacy]:
        """Open the lock."""
        async with self._lock.open() as session:
            # Made here and not earlier: a forked or copied process must get one of its own (rule 5).
            core = Election(
                identity=candidature.identity,
                incarnation=secrets.token_hex(16),
                timing=candidature.timing,
                draw=random.SystemRandom().random,
                on_missing=candidature.on_missing,
                drain_timeout=candidature.drain_timeout,
                epoch=candidature.epoch,
                election=self._lock.election,
                preference=candidature.preference,
            )
            candidacy = LockCandidacy(core, session, candidature.timing, publish)
            try:
                yield candidacy
            finally:
                await candidacy.aclose()
