"""SimulatedWatch: the watch of one candidate, with the delays, losses and ends of a real one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from tenure.record import Versioned
from tenure.testing.process import Process
from tenure.testing.replica import Replica
from tenure.testing.schedule import Schedule
from tenure.testing.site import Site

__all__ = ["SimulatedWatch"]

# As in the production driver: a watch that has not delivered within this time what a read has shown is half
# open, and one that ends sooner than this is not tried again at once.
_GRACE_S = 1.0
_SHORT_S = 1.0
# As in the production client: how long a connection is waited for, and then the beginning of the answer.
_CONNECT_S = 1.0
_ANSWER_S = 10.0
_KEEPALIVE_S = 30.0  # after this long a connection that is cut breaks
_SHORTEST_LIFE_S, _LONGEST_LIFE_S = 300.0, 600.0  # an API server ends every watch after a time from here


class _Stream:
    """One connection from its first packet on.

    `asked`: it has reached an API server; `served`: which has accepted it; `answered`: as its client knows.
    """

    __slots__ = ("answered", "asked", "began_at", "delivered", "delivers_at", "held", "replica", "served")

    def __init__(self, replica: Replica, delivered: int, began_at: float) -> None:
        self.replica = replica
        self.delivered = delivered
        self.delivers_at = self.began_at = began_at
        self.held: list[Versioned] = []
        self.asked = self.served = self.answered = False


class SimulatedWatch:
    """Keeps a stream open, as the production driver does.

    Args:
        schedule: of the simulation.
        random: of the simulation.
        site: what is watched.
        process: that watches.
        retry_period: seconds.
        tell: is given every change.
        refresh: is called when the watch has ended.

    Attributes:
        ended: how often it broke, or could not begin; each time costs a read.
    """

    def __init__(
        self,
        schedule: Schedule,
        random: Random,
        site: Site,
        process: Process,
        retry_period: float,
        tell: Callable[[Versioned], None],
        refresh: Callable[[], None],
    ) -> None:
        self._schedule = schedule
        self._random = random
        self._site = site
        self._process = process
        self._retry_period = retry_period
        self._tell = tell
        self._refresh = refresh
        self._stream: _Stream | None = None
        self._resting = False
        self.ended = 0
        site.watches.append(self)

    def close(self) -> None:
        """Nothing is told any more."""
        self._stream, self._resting = None, True
        self._site.watches.remove(self)

    def answered(self, newest: int, read: int | None) -> None:
        """A request was answered: open a stream if there is none, and mistrust one that is silent.

        Args:
            newest: the newest version that is known.
            read: the version that was read; None: it was no read.
        """
        if self._stream is None and not self._resting:
            self._open(newest)
        elif self._stream is not None and read is not None and read > self._stream.delivered:
            check = partial(self._check, self._stream, read)
            self._schedule.after(_GRACE_S, self._process.when_it_runs, check)

    def publish(self, seen: Versioned) -> None:
        """The record has changed."""
        stream = self._stream
        if stream is None or not stream.served:
            return
        if stream.held or not self._gets_through(stream):
            if not stream.held:
                self._schedule.after(_KEEPALIVE_S, self._break_if_held, stream)
            stream.held.append(seen)
        else:
            self._push(stream, seen)

    def healed(self) -> None:
        """All is well again: what was held arrives, or the stream stays half open."""
        stream = self._stream
        if stream is None or not stream.held or not self._gets_through(stream):
            return
        if self._random.random() < 0.5:
            held, stream.held = stream.held, []
            for seen in held:
                self._push(stream, seen)

    def cut_off(self, replica: Replica) -> None:
        """An API server has gone down: its streams end."""
        if self._stream is not None and self._stream.replica is replica:
            self._process.link.send_in(self._end, self._stream)
            self._schedule.after(_KEEPALIVE_S, self._end, self._stream)

    def break_off(self) -> None:
        """Its connection breaks."""
        if self._stream is not None:
            self._end(self._stream)

    # ---- a stream from its beginning to its end

    def _open(self, version: int, began_at: float | None = None) -> None:
        """Ask any API server for a stream; `began_at`: when the one began that it goes on with."""
        replica = self._random.choice(self._process.replicas)
        began_at = self._schedule.now if began_at is None else began_at
        stream = self._stream = _Stream(replica, version, began_at)
        self._process.link.send_out(self._serve, stream)
        self._schedule.after(_CONNECT_S, self._give_up, stream)
        self._schedule.after(_ANSWER_S, self._give_up, stream, True)

    def _serve(self, stream: _Stream) -> None:
        """The API server is asked for it."""
        if stream is not self._stream:
            return
        stream.asked = True
        if stream.replica.paused:
            stream.replica.when_it_runs(partial(self._serve, stream))
            return
        changes = self._site.changes_after(stream.delivered)
        if changes is None or not self._is_served(stream.replica):
            self._process.link.send_in(self._end, stream)
            return
        stream.served = True
        self._process.link.send_in(setattr, stream, "answered", True)
        for seen in changes:
            self.publish(seen)
        life_s = self._random.uniform(_SHORTEST_LIFE_S, _LONGEST_LIFE_S)
        self._schedule.after(life_s, self._expire, stream)

    def _is_served(self, replica: Replica) -> bool:
        fails = bool(replica.errors) and self._random.random() < replica.errors
        return replica.up and replica.retry_after_s is None and self._process.authorized and not fails

    def _gets_through(self, stream: _Stream) -> bool:
        return self._process.link.incoming and not stream.replica.paused

    def _push(self, stream: _Stream, seen: Versioned) -> None:
        """Send one change; a stream keeps its order."""
        lag_s = stream.replica.lag_s + self._process.link.latency_s()
        stream.delivers_at = max(stream.delivers_at, self._schedule.now + lag_s)
        self._schedule.at(stream.delivers_at, self._deliver, stream, seen)

    def _deliver(self, stream: _Stream, seen: Versioned) -> None:
        if stream is not self._stream:
            return
        if self._process.paused:
            self._process.inbox.append(partial(self._deliver, stream, seen))
            return
        if seen.version > stream.delivered:
            stream.delivered = seen.version
        self._tell(seen)

    def _expire(self, stream: _Stream) -> None:
        """The API server ends it in peace."""
        if stream is self._stream:
            stream.served = False
            self._process.link.send_in(self._process.when_it_runs, partial(self._take_up, stream))
            self._schedule.after(_KEEPALIVE_S, self._end, stream)

    def _take_up(self, stream: _Stream) -> None:
        """Go on where the stream has ended, without a read; that history may be gone by now."""
        if stream is self._stream:
            self._open(stream.delivered, stream.began_at)

    def _give_up(self, stream: _Stream, wants_answer: bool = False) -> None:
        if not (stream.answered if wants_answer else stream.asked):
            self._end(stream)

    def _break_if_held(self, stream: _Stream) -> None:
        if stream.held:
            self._end(stream)

    def _end(self, stream: _Stream) -> None:
        self._process.when_it_runs(partial(self._rest, stream))

    def _rest(self, stream: _Stream) -> None:
        """After a short stream a pause, then a read; the next stream begins with its answer."""
        if stream is not self._stream:
            return
        self._stream, self._resting = None, True
        short = self._schedule.now - stream.began_at < _SHORT_S
        self._schedule.after(self._retry_period if short else 0.0, self._go_on)

    def _go_on(self) -> None:
        if self._stream is None:
            self._process.when_it_runs(self._ask)

    def _ask(self) -> None:
        if self._resting:
            self._resting = False
            self.ended += 1
            self._refresh()

    def _check(self, stream: _Stream, version: int) -> None:
        """Replace a stream that has not told in time what a read has shown."""
        if stream is self._stream and stream.delivered < version:
            self._open(version)
