"""MultiLock: two locks that are held as one, to migrate an election from one to the other without a gap.

The rules are those of client-go's ``endpointsleases`` and ``configmapsleases`` (v0.23, multilock.go), so its
candidates can take part: the old kind is the primary, the Lease the secondary. First every candidate moves
from the primary alone to both, then from both to the secondary alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

from tenure.errors import LockUnavailableError
from tenure.lock import Lock, LockSession
from tenure.locks.roster import Roster, open_roster
from tenure.record import Attempt, Record, UnreadableRecord, Versioned

__all__ = ["UNKNOWN_HOLDER", "MultiLock"]

UNKNOWN_HOLDER = "leaderelection.k8s.io/unknown"
"""Whom client-go names as holder while the two locks do not agree."""


class MultiLock:
    """Two locks held as one: a write counts only if both accepted it.

    Args:
        primary: written first; where the election comes from.
        secondary: written second, created with the next write where it is missing; where it goes to.
    """

    def __init__(self, primary: Lock, secondary: Lock) -> None:
        self._primary = primary
        self._secondary = secondary

    def describe(self) -> str:
        """Return both descriptions, such as ``endpoints default/reports + lease default/reports``."""
        return f"{self._primary.describe()} + {self._secondary.describe()}"

    @property
    def election(self) -> str:
        """That of the lock which is migrated to: its versions make the tokens."""
        return self._secondary.election

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        """Open both locks.

        Raises:
            ConfigurationError: there is no way to one of them.
        """
        async with self._primary.open() as primary, self._secondary.open() as secondary:
            yield _MultiSession(_Side(primary), _Side(secondary))

    def open_roster(self) -> AbstractAsyncContextManager[Roster]:
        """Connect to the roster of the lock which is migrated to.

        Raises:
            ConfigurationError: that lock has none, or there is no way to it.
        """
        return open_roster(self._secondary)


class _Pair(NamedTuple):
    """What was known of both sides at a time: the raw form of a combined observation."""

    primary: Versioned
    secondary: Versioned


_ABSENT = Versioned(record=None, version=0)


class _Side:
    """One of the two locks, with the newest that is known of it.

    Attributes:
        newest: what is known.
        number: rises with every change of this side, also where a 404 tells of a deletion without a version.
    """

    def __init__(self, session: LockSession) -> None:
        self.session = session
        self.newest = _ABSENT
        self.number = 0

    def learn(self, found: Versioned) -> None:
        """Take in what a watch or a write's answer tells, unless something newer is known."""
        if found.version > self.number:
            self._set(found)

    async def read(self, *, timeout: float) -> None:
        """Take in what is read, even if it is older: but not what came in meanwhile."""
        known = self.number
        found = await self.session.read(timeout=timeout)
        if self.number == known or found.version > self.number:
            self._set(found)

    async def write(self, base: Versioned, record: Record, *, timeout: float) -> None:
        if base.record is None:
            self.learn(await self.session.create(record, timeout=timeout))
        else:
            self.learn(await self.session.replace(base, record, timeout=timeout))

    def _set(self, found: Versioned) -> None:
        deleted = found.record is None and self.newest.record is not None
        # Whoever creates it again gets a version above that of the deletion, which is above the one known.
        self.number = found.version or self.number + deleted
        self.newest = found


class _MultiSession:
    """A `MultiLock` in use; see `tenure.lock.LockSession` for the contract."""

    def __init__(self, primary: _Side, secondary: _Side) -> None:
        self._primary = primary
        self._secondary = secondary
        self._writing = False

    async def read(self, *, timeout: float) -> Versioned:
        deadline = _now() + timeout
        await self._primary.read(timeout=timeout)
        await self._secondary.read(timeout=_remaining(deadline))
        return self._combined()

    async def create(self, record: Record, *, timeout: float) -> Versioned:
        return await self._write(_Pair(_ABSENT, _ABSENT), record, timeout)

    async def replace(self, base: Versioned, record: Record, *, timeout: float) -> Versioned:
        return await self._write(_pair_of(base), record, timeout)

    async def watch(self, since: Versioned) -> AsyncGenerator[Versioned, None]:
        base = _pair_of(since)
        sides = (_learn(self._primary, base.primary), _learn(self._secondary, base.secondary))
        async with aclosing(_merge(*sides)) as changes:
            async for _ in changes:
                # What shows between the two writes of ours is no state of the election; the answer tells it.
                if not self._writing:
                    yield self._combined()

    async def _write(self, base: _Pair, record: Record, timeout: float) -> Versioned:
        self._writing = True
        try:
            return await self._write_both(base, record, timeout)
        finally:
            self._writing = False

    async def _write_both(self, base: _Pair, record: Record, timeout: float) -> Versioned:
        deadline = _now() + timeout
        await self._primary.write(base.primary, record, timeout=timeout)
        # From here on the primary is ours: what the secondary refuses is a conflict (another holds it: the
        # next read shows that) or leaves the outcome open, never a write that was not applied at all.
        try:
            await self._secondary.write(base.secondary, record, timeout=_remaining(deadline))
        except LockUnavailableError as error:
            raise LockUnavailableError(
                f"the primary accepted, the secondary did not: {error}",
                retry_after_s=error.retry_after_s,
                unauthorized=error.unauthorized,
            ) from error
        return self._combined()

    def _combined(self) -> Versioned:
        primary, secondary = pair = _Pair(self._primary.newest, self._secondary.newest)
        # The sum rises with either; a version of one side alone would hide the changes of the other.
        version = self._primary.number + self._secondary.number
        raw = pair if version else None
        if primary.record is None and secondary.record is None:
            return Versioned(None, version, f"{primary.uid}+{secondary.uid}" if version else "", raw)
        # The deletion of one side is that of the object on which a leader's term rests: another uid.
        uids = ("" if side.record is None else side.uid for side in pair)
        record = _combine(primary.record, secondary.record)
        return Versioned(record, version, "+".join(uids), raw, token_version=self._secondary.number)


def _combine(
    primary: Record | UnreadableRecord | None, secondary: Record | UnreadableRecord | None
) -> Record | UnreadableRecord | None:
    """Return the record that both make up.

    One alone tells who holds it, a candidate of one kind only, but never that a write of ours was accepted:
    the other lock may have refused it.
    """
    for side in (primary, secondary):
        if isinstance(side, UnreadableRecord):
            return side
    if not isinstance(primary, Record) or not isinstance(secondary, Record):
        alone = primary or secondary
        return replace(alone, attempt=None, token=None) if isinstance(alone, Record) else None
    duration = max((d for d in (primary.lease_duration, secondary.lease_duration) if d), default=None)
    transitions = max(primary.transitions, secondary.transitions)
    if not _agree(primary, secondary):
        # Held by nobody known until both have run out: any change of either starts the wait anew.
        return Record(
            holder=UNKNOWN_HOLDER,
            lease_duration=duration,
            transitions=transitions,
            attempt=Attempt(f"{_essence(primary)} {_essence(secondary)}", 0),
        )
    # Of one candidate's two latest attempts the older is the one that both have accepted.
    attempt = min(primary.attempt, secondary.attempt) if primary.attempt and secondary.attempt else None
    newest_time = max((t for t in (primary.renew_time, secondary.renew_time) if t), default=None)
    # Without attempts only the times tell that either side was renewed.
    renew_time = secondary.renew_time if attempt else newest_time
    return replace(
        secondary, lease_duration=duration, transitions=transitions, attempt=attempt, renew_time=renew_time
    )


def _agree(primary: Record, secondary: Record) -> bool:
    """Tell whether one and the same candidate holds both sides, or nobody holds either."""
    if primary.holder != secondary.holder:
        return False
    writers = [side.attempt and side.attempt.incarnation for side in (primary, secondary)]
    return not primary.holder or writers[0] == writers[1]


def _essence(record: Record) -> str:
    return f"{record.holder!r}@{record.attempt or record.renew_time}"


def _pair_of(observation: Versioned) -> _Pair:
    return observation.raw if isinstance(observation.raw, _Pair) else _Pair(_ABSENT, _ABSENT)


async def _learn(side: _Side, since: Versioned) -> AsyncIterator[bool]:
    """Let a side learn from its watch; yields after every change."""
    async for found in side.session.watch(since):
        side.learn(found)
        yield True


async def _merge(*sources: AsyncIterator[bool]) -> AsyncGenerator[bool, None]:
    """Yield what any source yields; ends with the first that ends."""
    waiting = {asyncio.ensure_future(anext(source, False)): source for source in sources}
    try:
        while True:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in waiting if task in done]:  # in order: a simulation can be repeated
                if not task.result():
                    return
                source = waiting.pop(task)
                waiting[asyncio.ensure_future(anext(source, False))] = source
            # Every source has a pending task whenever we yield, so that cancelling these ends them all.
            yield True
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _remaining(deadline: float) -> float:
    remaining = deadline - _now()
    if remaining <= 0:
        raise LockUnavailableError("no time was left for the second of the two locks")
    return remaining
