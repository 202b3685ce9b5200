"""Lookout: keeps what is known of some elections, through one look or for as long as somebody watches."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import NoReturn, Protocol

from tenure.cli.sight import Election, Sight
from tenure.clock import boot_time
from tenure.errors import LockUnavailableError, PermissionDeniedError
from tenure.lock import LockSession
from tenure.locks.collection import Collection
from tenure.record import Versioned

__all__ = ["CollectionSource", "Lookout", "SessionSource", "Source"]

_READ_TIMEOUT_S = 10.0
_RETRY_PERIOD_S = 1.0
# A watch may have fallen silent behind a proxy: so long nothing is believed without a read.
_LONGEST_SILENCE_S = 30.0
_SOON_S = 0.05

_GONE = Versioned(record=None, version=0)

Facts = list[tuple[Election, Versioned]]


class Source(Protocol):
    """Where facts about one or several elections come from.

    Both raise `LockUnavailableError` and `PermissionDeniedError`.
    """

    async def read(self) -> Facts:
        """Return everything that there is now."""
        ...

    def tells(self, election: Election) -> bool:
        """Whether this one would be among them."""
        ...

    def watch(self) -> AsyncGenerator[tuple[Election, Versioned], None]:
        """Yield the changes since the last read."""
        ...


class SessionSource:
    """One election, whose lock is open.

    Args:
        election: which one.
        session: of its lock.
    """

    def __init__(self, election: Election, session: LockSession) -> None:
        self.election = election
        self._session = session
        self._last = _GONE

    async def read(self) -> Facts:
        self._last = await self._session.read(timeout=_READ_TIMEOUT_S)
        return [(self.election, self._last)]

    def tells(self, election: Election) -> bool:
        return election == self.election

    async def watch(self) -> AsyncGenerator[tuple[Election, Versioned], None]:
        async for seen in self._session.watch(self._last):
            yield self.election, seen


class CollectionSource:
    """All elections of one kind.

    Args:
        kind: its name on the command line.
        collection: of their objects.
    """

    def __init__(self, kind: str, collection: Collection) -> None:
        self._kind = kind
        self._collection = collection

    async def read(self) -> Facts:
        found = await self._collection.read(timeout=_READ_TIMEOUT_S)
        return [(Election(place.namespace, place.name, self._kind), seen) for place, seen in found]

    def tells(self, election: Election) -> bool:
        return election.kind == self._kind

    async def watch(self) -> AsyncGenerator[tuple[Election, Versioned], None]:
        async with aclosing(self._collection.watch()) as changes:
            async for place, seen in changes:
                yield Election(place.namespace, place.name, self._kind), seen


class Lookout:
    """Takes in facts, and tells when there is something new.

    Args:
        sources: where they come from.
        say: is told once when contact is lost and when it is back.

    Attributes:
        sights: what is known, by election, in the order in which they were found.
    """

    def __init__(self, sources: Sequence[Source], say: Callable[[str], None]) -> None:
        self.sights: dict[Election, Sight] = {}
        self._news = asyncio.Event()
        self._sources = list(sources)
        self._keepers: list[asyncio.Task[NoReturn]] = []
        self._say = say
        self._cut_off: set[Source] = set()
        self._said: set[str] = set()

    async def look(self) -> list[PermissionDeniedError]:
        """Read everything once; return what was refused, which is left alone from here on.

        Raises:
            LockUnavailableError: there is no usable answer.
            PermissionDeniedError: nothing may be read.
        """
        answers = await asyncio.gather(*map(_fetch, self._sources), return_exceptions=True)
        refused: list[PermissionDeniedError] = []
        for source, answer in zip(tuple(self._sources), answers, strict=True):
            if isinstance(answer, PermissionDeniedError):
                refused.append(answer)
                self._sources.remove(source)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                self._take_all(source, *answer)
        if refused and not self._sources:
            raise refused[0]
        return refused

    def forget(self, election: Election) -> None:
        """Follow this election no more."""
        self.sights.pop(election, None)
        self._sources = [
            each for each in self._sources if not (isinstance(each, SessionSource) and each.tells(election))
        ]

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Take in every change for as long as the block runs, through outages too."""
        self._keepers = [asyncio.create_task(self._keep(each)) for each in self._sources]
        for keeper in self._keepers:
            keeper.add_done_callback(lambda _: self._news.set())
        try:
            yield
        finally:
            for keeper in self._keepers:
                keeper.cancel()
            await asyncio.gather(*self._keepers, return_exceptions=True)

    async def next_news(self) -> None:
        """Wait until something was taken in since the last call."""
        await self._news.wait()
        self._news.clear()
        for keeper in self._keepers:
            if keeper.done():
                keeper.result()  # never ends but by a fault

    async def _keep(self, source: Source) -> NoReturn:
        while True:
            try:
                async with asyncio.timeout(self._silence_s(source)):
                    await self._follow(source)
                await asyncio.sleep(_RETRY_PERIOD_S)
            except TimeoutError:
                pass  # a half-open watch looks like that, too: a read tells
            except LockUnavailableError:
                await asyncio.sleep(_RETRY_PERIOD_S)
            except PermissionDeniedError as error:
                self._say_once(f"{error}; reading every {_RETRY_PERIOD_S:g} s instead")
                await asyncio.sleep(_RETRY_PERIOD_S)
            await self._read(source)

    async def _read(self, source: Source) -> None:
        """Read until there is an answer: what a watch tells after an outage would lack what came before."""
        while True:
            try:
                facts, now = await _fetch(source)
            except (LockUnavailableError, PermissionDeniedError) as error:
                self._lost_contact(source, error)
                await asyncio.sleep(_RETRY_PERIOD_S)
            else:
                self._regained_contact(source)
                self._take_all(source, facts, now)
                return

    def _take_all(self, source: Source, facts: Facts, now: float) -> None:
        for election, seen in facts:
            self._take(election, seen, now, is_read=True)
        found = {election for election, _ in facts}
        for election in self.sights.keys() - found:
            if source.tells(election):
                self._take(election, _GONE, now, is_read=True)

    async def _follow(self, source: Source) -> None:
        async with aclosing(source.watch()) as changes:
            async for election, seen in changes:
                if not self._take(election, seen, boot_time(), is_read=False):
                    self._take_all(source, *await _fetch(source))

    def _take(self, election: Election, seen: Versioned, now: float, *, is_read: bool) -> bool:
        sight = self.sights.setdefault(election, Sight(election))
        self._news.set()
        return sight.take(seen, now, is_read=is_read)

    def _silence_s(self, source: Source) -> float:
        """Return how long a watch is believed: until something seems to run out, at most."""
        stale_at = min(
            (sight.stale_at for sight in self.sights.values() if source.tells(sight.election)),
            default=math.inf,
        )
        return min(_LONGEST_SILENCE_S, max(0.0, stale_at - boot_time()) + _SOON_S)

    def _lost_contact(self, source: Source, error: Exception) -> None:
        if not self._cut_off:
            self._say(f"no contact: {error}")
        self._cut_off.add(source)

    def _regained_contact(self, source: Source) -> None:
        if source in self._cut_off:
            self._cut_off.remove(source)
            if not self._cut_off:
                self._say("in contact again")

    def _say_once(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            self._say(message)


async def _fetch(source: Source) -> tuple[Facts, float]:
    """Return what a source says, and when it was received; boot time, seconds."""
    return await source.read(), boot_time()
