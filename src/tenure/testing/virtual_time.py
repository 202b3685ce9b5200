"""Virtual time: an asyncio program in which hours pass in milliseconds, and one seed is one run.

::

    def test_a_day_of_work():
        async def scene():
            ...
            await asyncio.sleep(86400)  # takes no time
        run_simulated(scene(), seed=7)

Time stands still while anything can run, and then jumps to the next timer. `tenure.clock.boot_time` follows
it, and so does the event loop's own clock; ``time.time`` and its like do not. Threads, files, sockets and
subprocesses are outside of it: whoever waits for one gets an error instead of a hang.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import random
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any, NoReturn, TypeVar, TypeVarTuple
from unittest.mock import patch

from tenure.clock import BootAlarm, simulated_clock
from tenure.testing.machine import MachineClock

__all__ = [
    "Machine",
    "VirtualTimeLoop",
    "outside_machines",
    "run_simulated",
    "seeded_randomness",
    "true_time",
]

_END_OF_TIME_S = 2.0**24  # 194 days; beyond, floats cannot hold the nanoseconds of the event loop
_JUMPS_PER_COLLECTION = 256
_MOST_TURNS = 100_000  # of the event loop, without any time passing

ResultT = TypeVar("ResultT")
Args = TypeVarTuple("Args")


def run_simulated(scene: Coroutine[Any, Any, ResultT], *, seed: int | str = 0) -> ResultT:
    """Run a coroutine in virtual time, as `asyncio.run` does in real time, and return its result.

    Every random number of the program comes from `seed` (`seeded_randomness`). At the end, machines that
    are paused run on, and what is left of the program is cancelled.

    Raises:
        RuntimeError: nothing can ever happen any more and the scene has not ended; or it spins without
            letting time pass; or this thread runs an event loop already.
        Exception: whatever the scene raises.
    """

    async def play() -> ResultT:
        loop = _running_loop()
        loop.world = Machine()
        simulated_clock.set(loop.world)
        try:
            return await scene
        finally:
            loop.resume_all()

    with (
        seeded_randomness(seed),
        _no_garbage_collection(),
        asyncio.Runner(loop_factory=VirtualTimeLoop) as runner,
    ):
        return runner.run(play())


def true_time() -> float:
    """Return the seconds of virtual time since the run began, whatever the clocks of machines show.

    Raises:
        RuntimeError: there is no virtual time here.
    """
    return _running_loop().now


@contextmanager
def seeded_randomness(seed: int | str) -> Iterator[None]:
    """Take all random numbers of this process from `seed`, also those that the operating system gives.

    The latter are what tenure draws its delays and incarnations from: `random.SystemRandom`, `secrets`,
    `os.urandom`, `uuid`.
    """
    source, state = random.Random(f"system {seed}"), random.getstate()
    random.seed(f"program {seed}")
    system = random.SystemRandom
    try:
        with (
            patch.object(system, "random", lambda _: source.random()),
            patch.object(system, "getrandbits", lambda _, bits: source.getrandbits(bits)),
            patch.object(system, "randbytes", lambda _, size: source.randbytes(size)),
            patch.object(os, "urandom", source.randbytes),
        ):
            yield
    finally:
        random.setstate(state)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer when nothing is ready.

    Attributes:
        now: the true time: seconds since the loop was made.
        world: the machine of whatever runs on no other: its clock is true, and it never pauses.
    """

    world: Machine

    def __init__(self) -> None:
        self.now = 0.0
        self._turns = self._jumps = 0
        self._owner = threading.get_ident()
        self._machines: list[Machine] = []
        selector = _NoFiles(self._pass_time)
        super().__init__(selector)
        selector.sealed = True  # the loop itself has registered its pipe

    def time(self) -> float:
        """Return the monotonic clock of the machine whose code asks; elsewhere the true time; seconds."""
        machine = simulated_clock.get()
        return machine.monotonic() if isinstance(machine, Machine) else self.now

    def call_soon(
        self, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.Handle:
        """Call back in the next turn, or when the machine whose code asks is not paused any more."""
        machine = _machine_of(context)
        if machine is None:
            return super().call_soon(callback, *args, context=context)
        call = _Call(machine, callback, args, context)
        call.handle = self.enqueue(call)
        return call.handle

    def call_at(
        self, when: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back when the monotonic clock of the machine whose code asks shows `when` (seconds)."""
        machine = _machine_of(context)
        if machine is None:
            return super().call_at(when, callback, *args, context=context)
        call = _Call(machine, callback, args, context, when)
        call.handle = handle = self.enqueue_at(machine.when_monotonic(when), call)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.Handle:
        """Call back in the next turn.

        Raises:
            RuntimeError: another thread asks; it lives in real time.
        """
        if threading.get_ident() != self._owner:
            _refuse("another thread")
        return self.call_soon(callback, *args, context=context)

    def enqueue(self, call: _Call) -> asyncio.Handle:
        """Make a call in the next turn, if its machine is not paused then."""
        return super().call_soon(call, context=call.context)

    def enqueue_at(self, when: float, call: _Call) -> asyncio.TimerHandle:
        """Make a call at the true time `when` (seconds), if its machine is not paused then."""
        return super().call_at(when, call, context=call.context)

    def wake_at(self, when: float, wake: Callable[[], None]) -> None:
        """Call back at the true time `when` (seconds), whoever is paused."""
        super().call_at(when, wake)

    def add(self, machine: Machine) -> None:
        """Know a machine that is made in this loop."""
        self._machines.append(machine)

    def resume_all(self) -> None:
        """Let every machine run on."""
        for machine in self._machines:
            machine.resume()

    # ---- what is outside of virtual time

    def run_in_executor(self, executor: object, func: object, *args: object) -> NoReturn:
        """Refuse: a thread lives in real time."""
        _refuse("a thread")

    async def subprocess_exec(self, *args: object, **options: object) -> NoReturn:
        """Refuse: a process lives in real time."""
        _refuse("a subprocess")

    async def subprocess_shell(self, *args: object, **options: object) -> NoReturn:
        """Refuse: a process lives in real time."""
        _refuse("a subprocess")

    def add_signal_handler(self, sig: int, callback: object, *args: object) -> None:
        """Do nothing: no signal reaches virtual time, and SIGTERM still ends the test."""

    def remove_signal_handler(self, sig: int) -> bool:
        """Do nothing."""
        return False

    # ---- time

    def _pass_time(self, timeout: float | None) -> None:
        """Jump to the next timer, `timeout` seconds away; 0: something is ready; None: there is none."""
        if timeout == 0:
            self._turns += 1
            if self._turns > _MOST_TURNS:
                self._turns = 0  # what is left of the program can still be cancelled
                raise RuntimeError(
                    f"no time passes: the program has run for {_MOST_TURNS} turns of the event loop at "
                    f"{self.now:g} s; let it sleep between its looks at something"
                )
        elif timeout is None:
            waiting = ", ".join(sorted(task.get_name() for task in asyncio.all_tasks(self)))
            raise RuntimeError(
                f"stuck at {self.now:g} s of virtual time: no timer is left and nothing is ready, yet these "
                f"tasks wait: {waiting}"
            )
        elif self.now + timeout > _END_OF_TIME_S:
            raise RuntimeError(f"virtual time ends after {_END_OF_TIME_S:g} s; is a timer set to infinity?")
        else:
            self.now += timeout
            self._turns = 0
            self._jumps += 1
            if self._jumps % _JUMPS_PER_COLLECTION == 0:
                gc.collect(1)


class Machine:
    """A machine of its own, for the tasks of one candidate: its clocks may be wrong, and it may pause.

    ::

        machine = Machine(offset=1000, rate=1.005)
        with machine.here():
            task = asyncio.create_task(elector.run(work))
        machine.pause(60)

    Tasks inherit the machine of the code that creates them. What asks for the time, such as
    ``term.is_valid()``, must be asked ``with machine.here()`` as well. A paused machine stops between two
    callbacks of the event loop, that is, wherever a coroutine awaits something that is not yet there.

    Args:
        offset: what its clocks show when the run begins, in seconds.
        rate: its seconds per true second.
        stalls: asked before each callback for how many seconds the machine pauses right there, mostly 0.

    Raises:
        RuntimeError: there is no virtual time here.
    """

    def __init__(
        self, *, offset: float = 0.0, rate: float = 1.0, stalls: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._loop = _running_loop()
        self._loop.add(self)
        self._clock = MachineClock(offset=offset, rate=rate)
        self._stalls = stalls
        self._paused_until = -math.inf
        self._deferred: list[_Call] = []
        self.slept_s = 0.0

    @contextmanager
    def here(self) -> Iterator[Machine]:
        """Run the code of the block, and the tasks that it creates, on this machine."""
        token = simulated_clock.set(self)
        try:
            yield self
        finally:
            simulated_clock.reset(token)

    def time(self) -> float:
        """Return its boot time in seconds."""
        return self._clock.local(self._loop.now)

    def monotonic(self) -> float:
        """Return the clock that its event loop goes by: boot time without the suspends, in seconds."""
        return self.time() - self.slept_s

    def when(self, boot_time: float) -> float:
        """Return the true time at which its boot time is `boot_time`, both in seconds."""
        return self._clock.true_time(boot_time)

    def when_monotonic(self, monotonic: float) -> float:
        """Return the true time at which its monotonic clock shows `monotonic`, both in seconds."""
        return self._clock.true_time(monotonic + self.slept_s)

    def open_alarm(self, fire: Callable[[], None]) -> BootAlarm:
        """Return an alarm that goes by its boot time and calls `fire` on it."""
        return _Alarm(self._loop, self, fire)

    def pause(self, seconds: float = math.inf) -> None:
        """Stop all its tasks for true `seconds`, as SIGSTOP does; ``inf``: until `resume`."""
        until = self._loop.now + seconds
        if until > self._paused_until:
            self._paused_until = until
            if until < math.inf:
                self._loop.wake_at(until, self._wake)

    def suspend(self, seconds: float) -> None:
        """Pause for `seconds`, in which its monotonic clock stands still and its boot time goes on."""
        self.slept_s += seconds * self._clock.rate
        self.pause(seconds)

    def is_paused(self) -> bool:
        """Tell whether it does nothing at the moment."""
        return self._loop.now < self._paused_until

    def resume(self) -> None:
        """Let its tasks run on: everything that has happened meanwhile, in order."""
        self._paused_until = -math.inf
        deferred, self._deferred = self._deferred, []
        for call in deferred:
            self._loop.enqueue(call)

    def admit(self, call: _Call) -> None:
        """Make a call that is due, or keep it until the machine runs again."""
        if not self.is_paused() and (seconds := self._stalls()) > 0:
            self.pause(seconds)
        if self.is_paused():
            self._deferred.append(call)
        else:
            call.make()

    def _wake(self) -> None:
        if not self.is_paused():
            self.resume()


class _Call:
    """A callback on a machine, as the event loop's queues hold it."""

    __slots__ = ("_args", "_callback", "_due", "_machine", "_slept_s", "context", "handle")

    handle: asyncio.Handle  # that whoever asked for the call may cancel

    def __init__(
        self,
        machine: Machine,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
        due: float | None = None,
    ) -> None:
        self._machine = machine
        self._callback = callback
        self._args = args
        self._due = due  # by the monotonic clock, which may have stood still meanwhile
        self._slept_s = machine.slept_s
        self.context = context or copy_context()

    def __call__(self) -> None:
        self._machine.admit(self)

    def make(self) -> None:
        if self.handle.cancelled():
            return
        if self._due is not None and self._slept_s < self._machine.slept_s:
            self._slept_s = self._machine.slept_s
            _running_loop().enqueue_at(self._machine.when_monotonic(self._due), self)
        else:
            self._callback(*self._args)


class _Alarm:
    """What a timerfd is on a real machine."""

    def __init__(self, loop: VirtualTimeLoop, machine: Machine, fire: Callable[[], None]) -> None:
        self._loop = loop
        self._machine = machine
        self._fire = fire
        self._call: _Call | None = None

    def set(self, when: float | None) -> None:
        self.close()
        if when is not None:
            self._call = call = _Call(self._machine, self._ring, (when,), None)
            call.handle = self._loop.enqueue_at(self._machine.when(when), call)

    def close(self) -> None:
        if self._call:
            self._call.handle.cancel()
            self._call = None

    def _ring(self, when: float) -> None:
        if self._machine.time() < when:
            self.set(when)  # the event loop was early, by less than the nanosecond of its resolution
        else:
            self._fire()


class _NoFiles(selectors.BaseSelector):
    """A selector that waits for no file, and lets virtual time pass instead."""

    def __init__(self, pass_time: Callable[[float | None], None]) -> None:
        self._pass_time = pass_time
        self.sealed = False

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self.sealed:
            _refuse("a file or socket")
        return selectors.SelectorKey(fileobj, -1, events, data)

    def unregister(self, fileobj: Any) -> NoReturn:
        raise KeyError(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._pass_time(timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Leave it to the event loop when garbage is collected: that ends asynchronous generators."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def outside_machines() -> Context:
    """Return a context like the present one, but of no `Machine`: what runs in it never pauses."""
    context, loop = copy_context(), asyncio.get_running_loop()
    if isinstance(loop, VirtualTimeLoop):
        context.run(simulated_clock.set, loop.world)
    return context


def _machine_of(context: Context | None) -> Machine | None:
    clock = simulated_clock.get() if context is None else context.get(simulated_clock)
    return clock if isinstance(clock, Machine) else None


def _running_loop() -> VirtualTimeLoop:
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualTimeLoop):
        raise RuntimeError("there is no virtual time here: use run_simulated")
    return loop


def _refuse(what: str) -> NoReturn:
    raise RuntimeError(
        f"virtual time cannot wait for {what}: it would jump past it; put something in memory in its place "
        "(such as MemoryLock), or run this in real time"
    )
