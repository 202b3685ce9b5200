"""Predecessors: the older kinds of lock, in which candidates that this sidecar replaces may still elect.

Two kinds of lock are two elections. A rolling upgrade that changes the kind in one step would have a leader
in each, so whoever starts with a new kind looks for a leader in the old ones first.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable

from tenure.clock import boot_time
from tenure.errors import ConfigurationError, LockUnavailableError, PermissionDeniedError
from tenure.lock import Lock, LockSession
from tenure.record import Record, UnreadableRecord
from tenure.sidecar.kinds import LockPlace
from tenure.timing import Timing

__all__ = ["Predecessors"]

_log = logging.getLogger("tenure")

_OLDER_KINDS = {
    "peers": ("lease",),
    "lease": ("endpoints", "configmap"),
    "endpoints": ("configmap",),
    "configmap": ("endpoints",),
    "blackboard": ("endpoints", "configmap"),
    "endpointsleases": ("configmap",),
    "configmapsleases": ("endpoints",),
}
_READ_TIMEOUT_S = 5.0
_LOOK_PERIOD_S = 0.5
_RETRY_PERIOD_S = 1.0
# Peers go on without the API server: a voter that waited for it would be missing for as long as the outage.
_PATIENCE_OF_PEERS_S = 5.0

_Found = Record | UnreadableRecord | None


class Predecessors:
    """Looks for a live leader in the older locks of the same name.

    Whether a holder lives is decided by whether its record changes within its own duration, and never by
    comparing its times with a local clock.

    Args:
        kind: of the lock that this sidecar is to use.
        place: where that is; None: nowhere, so that there are no older locks.
        timing: `lease_duration` stands in where an older record has none.
        waiting: is told the reason while a holder is being looked at.
    """

    def __init__(
        self, kind: str, place: LockPlace | None, timing: Timing, waiting: Callable[[str], None]
    ) -> None:
        self._kind = kind
        self._place = place
        self._timing = timing
        self._waiting = waiting
        self._said: set[str] = set()
        self._patient_until = math.inf

    async def refuse_live(self) -> None:
        """Return when no older lock has a live leader; without such objects after one read of each.

        Peers do not wait for an API server that does not answer for 5 s.

        Raises:
            ConfigurationError: one has; the message names the way from that kind to ours.
        """
        if self._place is None:
            return
        if self._kind == "peers":
            self._patient_until = boot_time() + _PATIENCE_OF_PEERS_S
        for kind in _OLDER_KINDS[self._kind]:
            older = self._place.lock(kind)
            async with older.open() as old, self._place.lock("lease").open() as lease:
                if await self._is_live(older, old, lease):
                    raise ConfigurationError(_refusal(kind, older, self._kind))

    async def _is_live(self, older: Lock, old: LockSession, lease: LockSession) -> bool:
        first = await self._read(older, old)
        if not _holder_of(first):
            return False
        first_lease = await self._read_lease(older, lease)
        wait_s = self._timing.takeover_delay(_duration_of(first) or self._timing.lease_duration)
        ends_at = boot_time() + wait_s
        self._say(
            f"{older.describe()} names {_holder_of(first)!r} as its leader; "
            f"watching it for up to {wait_s:.0f} s to see whether it lives"
        )
        renewed = False
        while True:
            await asyncio.sleep(min(_LOOK_PERIOD_S, wait_s / 10))
            looked_at = boot_time()
            seen = await self._read(older, old)
            renewed = renewed or (bool(_holder_of(seen)) and seen != first)
            if renewed:
                seen_lease = await self._read_lease(older, lease)
                if not _holder_of(seen_lease):
                    return True
                if seen_lease != first_lease and _holder_of(seen_lease) == _holder_of(seen):
                    return False  # both are held as one: the last step of the migration to the Lease
            if looked_at >= ends_at:
                return renewed

    async def _read_lease(self, older: Lock, lease: LockSession) -> _Found:
        return await self._read(older, lease) if self._kind == "lease" else None

    async def _read(self, older: Lock, session: LockSession) -> _Found:
        while True:
            try:
                return (await session.read(timeout=_READ_TIMEOUT_S)).record
            except PermissionDeniedError as error:
                self._say(f"cannot see whether an older candidate leads in {older.describe()}: {error}")
                return None
            except LockUnavailableError as error:
                self._say(f"cannot see yet whether an older candidate leads in {older.describe()}: {error}")
                if boot_time() >= self._patient_until:
                    self._say(f"taking part without having seen {older.describe()}")
                    return None
            await asyncio.sleep(_RETRY_PERIOD_S)

    def _say(self, message: str) -> None:
        self._waiting(message)
        if message not in self._said:
            self._said.add(message)
            _log.warning("%s", message)


def _holder_of(found: _Found) -> str:
    """Return whom the record names; one that cannot be decoded is held by somebody."""
    return "somebody" if isinstance(found, UnreadableRecord) else found.holder if found else ""


def _duration_of(found: _Found) -> float | None:
    return found.lease_duration if isinstance(found, Record) else None


def _refusal(kind: str, older: Lock, wanted: str) -> str:
    flag = "--peers" if wanted == "peers" else f"--lock {wanted}"
    message = f"{older.describe()} has a live leader: with {flag} there would be a second one"
    if wanted == "lease":
        return f"{message}; go {kind} -> {kind}{'s' * (kind == 'configmap')}leases -> lease, one rollout each"
    return f"{message}; use --lock {kind}, or end its candidates first"
