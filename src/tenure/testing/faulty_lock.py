"""FaultyLock: any lock, as it looks from several machines through bad weather.

::

    lock = FaultyLock(MemoryLock(), seed=7)
    a, b = (LeaderElector(lock.seen_by(name), identity=name) for name in "ab")
    ...
    lock.cut("a")  # nobody tells it that it is cut off
    lock.heal("a")

Requests travel on their own: whoever gives up waiting for an answer, or is cancelled, cannot call one back,
so that a write may be applied later, as `tenure.lock.LockSession` warns. Meant for virtual time
(`tenure.testing.virtual_time`), where a seed makes the whole run repeatable; it works in real time too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from tenure.errors import LockUnavailableError
from tenure.lock import Lock, LockSession
from tenure.record import Record, Versioned
from tenure.testing.virtual_time import outside_machines

__all__ = ["CALM", "STORMY", "FaultyLock", "LockView", "Weather"]

_CONNECT_TIMEOUT_S = 5.0  # of a watch; other calls bring their own


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """What happens at random to each request and watch.

    Attributes:
        latency_s: seconds that a request and its answer each travel at least, and at most.
        refused: chance that no connection comes about: the request is not applied, and that is known.
        throttled: chance of a 429; likewise, with the wish to be left alone for up to `retry_after_s`.
        lost_request: chance that a request never arrives.
        lost_answer: chance that it is applied and the answer never arrives.
        late: chance that it is applied, or else answered, only up to `late_s` seconds later.
        reset: chance that the loss of a request or answer is told at once (the connection was reset, or the
            answer was a 500), and not found out by waiting.
        late_s: see `late`.
        retry_after_s: see `throttled`.
        watch_lag_s: seconds by which a watch is late at most.
        watch_life_s: seconds after which a watch ends at most: closed, broken, or fallen silent.
        watch_silence_s: seconds after which a watch that fell silent is found dead.
    """

    latency_s: tuple[float, float] = (0.001, 0.02)
    refused: float = 0.0
    throttled: float = 0.0
    lost_request: float = 0.0
    lost_answer: float = 0.0
    late: float = 0.0
    reset: float = 0.5
    late_s: float = 30.0
    retry_after_s: float = 5.0
    watch_lag_s: float = 0.02
    watch_life_s: float = 3600.0
    watch_silence_s: float = 60.0


CALM = Weather()
STORMY = Weather(
    latency_s=(0.001, 0.4),
    refused=0.03,
    throttled=0.03,
    lost_request=0.06,
    lost_answer=0.06,
    late=0.06,
    watch_lag_s=2.0,
    watch_life_s=120.0,
)


class FaultyLock:
    """Makes a lock misbehave, for each candidate in its own way; every fault comes from the seed.

    Args:
        lock: the lock itself, which stays free of faults; whoever uses it directly sees the truth.
        seed: of the faults; each view draws its own, whatever the others do.
        weather: the chances of random faults; may be set anew at any time.

    Attributes:
        weather: as given.
        story: what has become of each request, one line each, with the time of the event loop.
    """

    def __init__(self, lock: Lock, *, seed: int | str = 0, weather: Weather = STORMY) -> None:
        self.lock = lock
        self.weather = weather
        self.story: list[str] = []
        self._seed = seed
        self._everywhere = _Link.OPEN
        self._views: dict[str, LockView] = {}
        self._travelling: dict[asyncio.Task[None], None] = {}

    def seen_by(self, name: str) -> LockView:
        """Return the lock as `name` sees it; the same view whenever it is asked for."""
        if name not in self._views:
            view = LockView(self, name, random.Random(f"{self._seed}/{name}"))
            view.link = self._everywhere
            self._views[name] = view
        return self._views[name]

    def cut(self, *names: str) -> None:
        """Let all requests, answers and changes of these views vanish unnoticed; without names: of all."""
        for view in self._turn(_Link.CUT, names):
            view.hush_watches()

    def outage(self, *names: str) -> None:
        """Refuse all connections of these views, and break their watches; without names: of all."""
        for view in self._turn(_Link.REFUSED, names):
            view.break_watches()

    def heal(self, *names: str) -> None:
        """End `cut` and `outage` for these views; without names: for all. Random faults go on."""
        self._turn(_Link.OPEN, names)

    def break_watches(self, *names: str) -> None:
        """Break the watches of these views, which may begin new ones; without names: of all."""
        for view in self._chosen(names):
            view.break_watches()

    def lose_answer(self, name: str, *, late_s: float = 0.0) -> None:
        """Let the next write of `name` be applied `late_s` seconds after it arrives, and not answered."""
        self.seen_by(name).ordered_fate = late_s

    async def settle(self) -> None:
        """Wait until no request is under way any more, not even one that nobody waits for."""
        while self._travelling:
            await asyncio.wait(self._travelling.keys())

    def send(self, journey: Coroutine[Any, Any, None], name: str) -> None:
        """Let a request travel, whether anybody waits for it or not."""
        task = _outside(journey, name)
        self._travelling[task] = None
        task.add_done_callback(self._travelling.pop)

    def tell(self, name: str, what: str) -> None:
        """Add a line to the story."""
        self.story.append(f"{asyncio.get_running_loop().time():.3f} {name}: {what}")

    def _turn(self, link: _Link, names: tuple[str, ...]) -> list[LockView]:
        if not names:
            self._everywhere = link
        views = self._chosen(names)
        for view in views:
            view.link = link
        return views

    def _chosen(self, names: tuple[str, ...]) -> list[LockView]:
        return [self.seen_by(name) for name in names or tuple(self._views)]


class _Link(Enum):
    OPEN = "open"
    CUT = "cut"
    REFUSED = "refused"


class LockView:
    """A lock as one machine sees it; made by `FaultyLock.seen_by`.

    Args:
        faulty: what it is a view of.
        name: whose view it is.
        draw: the source of its faults.

    Attributes:
        link: what connects it with the store.
        ordered_fate: the seconds by which the next write is late, its answer being lost; None: by chance.
    """

    def __init__(self, faulty: FaultyLock, name: str, draw: random.Random) -> None:
        self.faulty = faulty
        self.name = name
        self.draw = draw
        self.link = _Link.OPEN
        self.ordered_fate: float | None = None
        self._watches: dict[_Watch, None] = {}

    def describe(self) -> str:
        """Return the description of the lock, and whose view this is."""
        return f"{self.faulty.lock.describe()} as {self.name} sees it"

    @property
    def election(self) -> str:
        """That of the lock itself."""
        return self.faulty.lock.election

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        """Open the lock itself; that never fails, but everything after it may."""
        async with self.faulty.lock.open() as session:
            yield _FaultySession(self, session)

    def hush_watches(self) -> None:
        """Let no watch that is open tell anything any more."""
        for watch in self._watches:
            watch.hush(self.faulty.weather.watch_silence_s)

    def break_watches(self) -> None:
        """Let every watch that is open fail."""
        for watch in self._watches:
            watch.break_off()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[_Watch]:
        """Have a watch that faults can reach."""
        watch = _Watch()
        self._watches[watch] = None
        try:
            yield watch
        finally:
            watch.close()
            del self._watches[watch]

    def fate_of(self, *, is_write: bool) -> _Fate:
        """Draw what will become of a request."""
        weather, draw = self.faulty.weather, self.draw
        there_s, back_s = draw.uniform(*weather.latency_s), draw.uniform(*weather.latency_s)
        late_s = draw.uniform(0, weather.late_s) if draw.random() < weather.late else 0.0
        if draw.random() < 0.5:
            late_s, back_s = 0.0, back_s + late_s
        kinds = [kind for kind in _Kind if kind is not _Kind.ANSWERED]
        chances = [weather.refused, weather.throttled, weather.lost_request, weather.lost_answer]
        kind = draw.choices([*kinds, _Kind.ANSWERED], [*chances, max(0.0, 1 - sum(chances))])[0]
        reset = draw.random() < weather.reset
        if is_write and self.ordered_fate is not None:
            late_s, kind, reset, self.ordered_fate = self.ordered_fate, _Kind.LOST_ANSWER, False, None
        return _Fate(kind, there_s, late_s, back_s, reset)


class _Kind(Enum):
    REFUSED = "refused"
    THROTTLED = "throttled"
    LOST_REQUEST = "lost on the way"
    LOST_ANSWER = "the answer was lost"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of a request: it travels, is kept by the store, and its answer travels; in seconds."""

    kind: _Kind
    there_s: float
    late_s: float
    back_s: float
    reset: bool


class _FaultySession:
    """A `LockSession` through bad weather."""

    def __init__(self, view: LockView, session: LockSession) -> None:
        self._view = view
        self._session = session

    async def read(self, *, timeout: float) -> Versioned:
        return await self._ask("read", lambda: self._session.read(timeout=timeout), timeout)

    async def create(self, record: Record, *, timeout: float) -> Versioned:
        call = lambda: self._session.create(record, timeout=timeout)  # noqa: E731
        return await self._ask(f"create for {record.holder!r}", call, timeout, is_write=True)

    async def replace(self, base: Versioned, record: Record, *, timeout: float) -> Versioned:
        call = lambda: self._session.replace(base, record, timeout=timeout)  # noqa: E731
        what = f"replace version {base.version} for {record.holder!r}"
        return await self._ask(what, call, timeout, is_write=True)

    async def _ask(
        self, what: str, call: Callable[[], Awaitable[Versioned]], timeout: float, *, is_write: bool = False
    ) -> Versioned:
        request = _Request(self._view, what, call, self._view.fate_of(is_write=is_write))
        self._view.faulty.send(request.travel(), f"{what} of {self._view.name}")
        try:
            async with asyncio.timeout(timeout):
                return await request.answer
        except TimeoutError:
            raise LockUnavailableError(f"no answer within {timeout:g} s") from None

    async def watch(self, since: Versioned) -> AsyncGenerator[Versioned, None]:
        view = self._view
        if view.link is _Link.CUT:
            await asyncio.sleep(_CONNECT_TIMEOUT_S)
        if view.link is not _Link.OPEN:
            raise LockUnavailableError("no connection for a watch", refused=True)
        async with view.watching() as watch:
            feeding = _outside(self._feed(watch, since), f"watch of {view.name}")
            try:
                while (news := await watch.news.get()) is not None:
                    if isinstance(news, Exception):
                        raise news
                    yield news
            finally:
                feeding.cancel()

    async def _feed(self, watch: _Watch, since: Versioned) -> None:
        draw, weather = self._view.draw, self._view.faulty.weather
        life_s, ending = draw.uniform(0, weather.watch_life_s), draw.randrange(3)
        try:
            async with asyncio.timeout(life_s):
                changes = cast("AsyncGenerator[Versioned, None]", self._session.watch(since))
                async with aclosing(changes):
                    async for seen in changes:
                        await asyncio.sleep(draw.uniform(0, self._view.faulty.weather.watch_lag_s))
                        watch.deliver(seen)
            watch.deliver(None)
        except TimeoutError:
            if ending == 0:
                watch.hush(weather.watch_silence_s)
            elif ending == 1:
                watch.break_off()
            else:
                watch.deliver(None)
        except Exception as error:
            watch.deliver(error)


class _Watch:
    """A watch under way; what it tells waits in `news`: a change, an error, None for its end."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[Versioned | Exception | None] = asyncio.Queue()
        self._death: asyncio.TimerHandle | None = None

    def deliver(self, news: Versioned | Exception | None) -> None:
        if self._death is None:
            self.news.put_nowait(news)

    def hush(self, seconds: float) -> None:
        """Tell nothing any more, and break after so long."""
        if self._death is None:
            self._death = asyncio.get_running_loop().call_later(seconds, self.break_off)

    def break_off(self) -> None:
        self.news.put_nowait(LockUnavailableError("the watch broke"))

    def close(self) -> None:
        if self._death is not None:
            self._death.cancel()


class _Request:
    """A request on its way; `answer` is what its sender waits for, and may never come."""

    def __init__(
        self, view: LockView, what: str, call: Callable[[], Awaitable[Versioned]], fate: _Fate
    ) -> None:
        self.answer: asyncio.Future[Versioned] = asyncio.get_running_loop().create_future()
        self._view = view
        self._what = what
        self._call = call
        self._fate = fate

    async def travel(self) -> None:
        """Reach the store, perhaps, and bring the answer back, perhaps."""
        fate, view = self._fate, self._view
        await asyncio.sleep(fate.there_s)
        if view.link is _Link.REFUSED or fate.kind is _Kind.REFUSED:
            self._fail(LockUnavailableError("the connection was refused", refused=True))
        elif view.link is _Link.CUT or fate.kind is _Kind.LOST_REQUEST:
            self._vanish("lost on the way")
        elif fate.kind is _Kind.THROTTLED:
            wait_s = view.draw.uniform(0, view.faulty.weather.retry_after_s)
            self._fail(LockUnavailableError("429 Too Many Requests", retry_after_s=wait_s, refused=True))
        else:
            await self._arrive()

    async def _arrive(self) -> None:
        fate, view = self._fate, self._view
        await asyncio.sleep(fate.late_s)
        outcome: Versioned | Exception
        try:
            outcome = await self._call()
            result = f"version {outcome.version}"
        except Exception as error:
            outcome = error
            result = type(error).__name__
        if view.link is _Link.CUT or fate.kind is _Kind.LOST_ANSWER:
            self._vanish(f"{result}, but the answer was lost")
            return
        await asyncio.sleep(fate.back_s)
        if view.link is not _Link.OPEN:
            self._vanish(f"{result}, but the answer was lost")
        elif isinstance(outcome, Exception):
            self._fail(outcome)
        elif self._tell(result):
            self.answer.set_result(outcome)

    def _vanish(self, what: str) -> None:
        if self._fate.reset and self._view.link is not _Link.CUT:
            self._fail(LockUnavailableError(f"the connection was reset ({what})"))
        else:
            self._tell(what)

    def _fail(self, error: Exception) -> None:
        if self._tell(str(error)):
            self.answer.set_exception(error)
            self.answer.exception()  # whether its sender waits for it or not

    def _tell(self, result: str) -> bool:
        """Tell the story; return whether somebody still waits for the answer."""
        waited_for = not self.answer.done()
        suffix = "" if waited_for else ", for which nobody waits any more"
        self._view.faulty.tell(self._view.name, f"{self._what}: {result}{suffix}")
        return waited_for


def _outside(journey: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Let something happen on no candidate's machine."""
    return asyncio.get_running_loop().create_task(journey, name=name, context=outside_machines())
