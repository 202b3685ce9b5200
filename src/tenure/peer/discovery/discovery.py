"""Discovery: who the other peers are, as a small protocol that every way to find them implements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from tenure.peer.discovery.peer import Peer

__all__ = ["Discovery"]


class Discovery(Protocol):
    """Finds peers; this process may be among them. Holds no connection before it is watched."""

    def describe(self) -> str:
        """Return where the peers are found, for people: ``EndpointSlices of default/reports``."""
        ...

    def watch(self) -> AsyncIterator[frozenset[Peer]]:
        """Yield the set of peers that there is, then every change of it; does not end.

        No name appears twice in a set. What passes is waited for, and said once: the last set stands
        meanwhile. Nobody there yet, and no Service either, is an empty set.

        Leave it by cancellation, or with ``contextlib.aclosing``.

        Raises:
            PermissionDeniedError: before the first set; the message holds the RBAC rule that is missing.
            ConfigurationError: before the first set: it cannot work.
        """
        ...

    def names(self) -> tuple[str, ...]:
        """Return the names that are known by configuration alone, in order; empty where they are not."""
        ...
