"""Ballot: one election of the production drivers in virtual time, with random trouble from one seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from tenure import LeaderElector, LeaderObserver, LeadershipLostError, MemoryLock, MultiLock, Term, Timing
from tenure.election import OnMissing
from tenure.lock import Lock
from tenure.testing.faulty_lock import CALM, FaultyLock
from tenure.testing.virtual_time import Machine
from tests.testing.witness import Candidate, OverheardLock, Witness

__all__ = ["Ballot"]

_TROUBLE_S = 400.0
# Of a migration: the locks that candidates may hold, old or new or both; the observer watches the first.
_STAGES = {"from the old": ["old", "both"], "between": ["both"], "to the new": ["new", "both"]}
_RATE = 0.0049  # two clocks differ by less than 1 %, the bound that Timing presumes


class WorkError(Exception):
    """The body failed."""


class Ballot:
    """Three to five electors, an observer, and everything that may befall them.

    Args:
        seed: of everything.
        rate: how much faster or slower than true time a machine's clock is at most.
        stall: chance that a machine pauses before it makes a callback.
    """

    def __init__(self, seed: int, *, rate: float = _RATE, stall: float = 0.002) -> None:
        self.draw = draw = random.Random(f"ballot {seed}")
        self.memories = [MemoryLock("old"), MemoryLock("new")]
        self._rate, self._stall_chance = rate, stall
        self.locks = [FaultyLock(memory, seed=f"{seed} {memory.name}") for memory in self.memories]
        self.stage = draw.choice(["one lock", "one lock", *_STAGES])
        self.on_missing: OnMissing = draw.choice(["create", "create", "wait"])
        self.witness = Witness(
            proving=self.on_missing == "wait", comparable_tokens=self.stage != "from the old"
        )
        lease = draw.choice([3.0, 6.0, 15.0])
        sharp = {"renew_deadline": 0.985 * lease} if draw.random() < 0.3 else {}
        self.timing = Timing(lease_duration=lease, **sharp)
        self.troubled = True
        self.closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._observed: LeaderObserver | None = None

    async def play(self) -> None:
        """Run the election: trouble, healing, the end."""
        everything = asyncio.all_tasks()
        for name in ("a1", "a2", "b", "c", "d")[: self.draw.randint(3, 5)]:
            self.spawn(name)
        observer = asyncio.create_task(self._observe())
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + _TROUBLE_S
        while loop.time() < ends_at and not self.witness.faults:
            await asyncio.sleep(self.draw.uniform(0, 10))
            self.make_trouble()
            self.witness.look()
        if not self.witness.faults:
            await self._heal()
        self.closing = True
        for task in (*self._tasks, observer):
            task.cancel()
        ended, _ = await asyncio.wait({*self._tasks, observer})
        errors = [error for task in ended if not task.cancelled() and (error := task.exception())]
        self.witness.faults += [f"a task failed: {error!r}" for error in errors]
        for lock in self.locks:
            await lock.settle()
        if not self.witness.faults:
            self._check_the_end(everything)

    def story(self) -> list[str]:
        """Return what has happened, in order of true time."""
        lines = [*self.witness.told, *(line for lock in self.locks for line in lock.story)]
        return sorted(lines, key=lambda line: float(line.partition(" ")[0]))

    def spawn(self, name: str) -> None:
        """Start a candidate on a machine of its own; two of them share an identity (rule 5)."""
        machine = Machine(
            offset=self.draw.uniform(0, 3000),
            rate=1 + self.draw.uniform(-self._rate, self._rate),
            stalls=self._stall,
        )
        candidate = Candidate(name, machine, self.witness)
        elector = LeaderElector(
            OverheardLock(self._lock_of(name), candidate.about_to_write),
            identity=name[0],
            timing=self.timing,
            drain_timeout=self.draw.choice([2.0, 20.0]),
            on_missing=self.on_missing,
        )
        candidate.use(elector)
        self.witness.candidates.append(candidate)
        with machine.here():
            self._tasks.append(asyncio.create_task(self._live(candidate), name=f"candidate {name}"))

    def _lock_of(self, name: str) -> Lock:
        old, new = (lock.seen_by(name) for lock in self.locks)
        kinds = _STAGES.get(self.stage, ["old"])
        kind = kinds[0] if name == "observer" else self.draw.choice(kinds)
        self.witness.tell(None, f"{name} holds: {kind}")
        return MultiLock(old, new) if kind == "both" else {"old": old, "new": new}[kind]

    # ---- what befalls them

    def _stall(self) -> float:
        if not self.troubled or self.draw.random() > self._stall_chance:
            return 0.0
        return self.draw.choice([0.01, 1.0, 2.0]) * self.draw.random() * self.timing.lease_duration

    def make_trouble(self) -> None:
        """Let one thing happen, and see it written down."""
        draw, victim = self.draw, self.draw.choice(self.witness.candidates)
        happenings: list[Callable[[Candidate], None]] = [
            self._cut,
            self._refuse,
            self._heal_links,
            self._heal_links,
            self._lose_answer,
            self._pause,
            self._suspend,
            self._cancel,
            self._terminate,
            self._delete,
        ]
        happening = draw.choice(happenings)
        self.witness.tell(victim, f"suffers {happening.__name__}")
        happening(victim)

    def _some_locks(self) -> list[FaultyLock]:
        return self.draw.choice([self.locks, self.locks, self.locks[:1], self.locks[1:]])

    def _cut(self, victim: Candidate) -> None:
        for lock in self._some_locks():
            lock.cut(*self.draw.choice([(), (victim.name,), (victim.name,)]))

    def _refuse(self, victim: Candidate) -> None:
        for lock in self._some_locks():
            lock.outage(*self.draw.choice([(), (victim.name,)]))

    def _heal_links(self, victim: Candidate) -> None:
        for lock in self._some_locks():
            lock.heal()
            lock.break_watches(victim.name)

    def _lose_answer(self, victim: Candidate) -> None:
        for lock in self._some_locks():
            lock.lose_answer(victim.name, late_s=self.draw.uniform(0, 2 * self.timing.lease_duration))

    def _pause(self, victim: Candidate) -> None:
        victim.machine.pause(self.draw.uniform(0, 3) * self.timing.lease_duration)

    def _suspend(self, victim: Candidate) -> None:
        victim.machine.suspend(self.draw.uniform(0, 3) * self.timing.lease_duration)

    def _cancel(self, victim: Candidate) -> None:
        self._tasks[self.witness.candidates.index(victim)].cancel()

    def _terminate(self, victim: Candidate) -> None:
        """As SIGTERM does, which only `run` takes."""
        with victim.machine.here():
            if victim.takes_sigterm and (office := victim.elector._office) is not None:
                office.stop()

    def _delete(self, victim: Candidate) -> None:
        """Only where a deletion is covered by the contract (rule 4)."""
        if self.on_missing == "wait":
            self.draw.choice(self.memories).delete()

    # ---- what they do

    async def _live(self, candidate: Candidate) -> None:
        """Campaign in one way or another, again and again."""
        elector = candidate.elector
        while not self.closing:
            way = self.draw.choice([self._run, self._hold_term, self._keep_running])
            try:
                await way(candidate, elector)
            except (WorkError, LeadershipLostError, SystemExit):
                pass
            except asyncio.CancelledError:
                if self.closing:
                    raise
            except Exception as error:
                self.witness.blame(candidate, f"{way.__name__} raised {error!r}")
                raise
            if candidate.term is not None:
                self.witness.blame(candidate, f"{way.__name__} ended before its body")
            await self._doze(self.draw.uniform(0, 2) * self.timing.lease_duration)

    async def _doze(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if self.closing:
                raise

    async def _run(self, candidate: Candidate, elector: LeaderElector) -> None:
        candidate.takes_sigterm = True
        try:
            await elector.run(self._work_of(candidate))
        finally:
            candidate.takes_sigterm = False

    async def _hold_term(self, candidate: Candidate, elector: LeaderElector) -> None:
        async with elector.term() as term:
            await self._work_of(candidate)(term)

    async def _keep_running(self, candidate: Candidate, elector: LeaderElector) -> None:
        async with elector.running(self._work_of(candidate)):
            await asyncio.sleep(self.draw.uniform(0, 10) * self.timing.lease_duration)
            if not self.troubled:
                await asyncio.Event().wait()

    def _work_of(self, candidate: Candidate) -> Callable[[Term], Awaitable[str]]:
        async def work(term: Term) -> str:
            self.witness.sees_begin(candidate, term)
            try:
                return await self._work(candidate, term)
            finally:
                try:
                    await self._drain(candidate, term)
                finally:
                    self.witness.sees_end(candidate)

        return work

    async def _work(self, candidate: Candidate, term: Term) -> str:
        while True:
            self.witness.sees_act(candidate, term)
            chance = self.draw.random() if self.troubled else 1.0
            if chance < 0.01:
                raise WorkError
            if chance < 0.02:
                return "done"
            if chance < 0.1:
                term.check(remaining_s=self.timing.renew_deadline / 2)
            if chance < 0.2 and await term.wait_ending(self.timing.renew_period):
                return "asked to end"
            await asyncio.sleep(self.draw.uniform(0, 0.2) * self.timing.lease_duration)

    async def _drain(self, candidate: Candidate, term: Term) -> None:
        """End at once, or in time, or stubbornly late."""
        left_s = (
            self.draw.choice([0, 0, 0.1, 0.3, 2.0]) * self.timing.lease_duration if self.troubled else 0.0
        )
        stubborn = self.draw.random() < 0.3
        while left_s > 0:
            self.witness.sees_act(candidate, term)
            nap_s = min(left_s, 0.1 * self.timing.lease_duration)
            left_s -= nap_s
            try:
                await asyncio.sleep(nap_s)
            except asyncio.CancelledError:
                if not stubborn:
                    raise

    async def _observe(self) -> None:
        async with LeaderObserver(self._lock_of("observer"), timing=self.timing) as self._observed:
            await asyncio.Event().wait()

    # ---- the end

    async def _heal(self) -> None:
        """Everything is well again: before long there is a leader, and it stays."""
        self.troubled = False
        for lock in self.locks:
            lock.weather = CALM
            lock.heal()
        for candidate in self.witness.candidates:
            candidate.machine.resume()
        self.witness.tell(None, "all is well")
        await asyncio.sleep(8 * self.timing.lease_duration + 60)
        leaders, terms = self._leaders(), self.witness.terms
        await asyncio.sleep(6 * self.timing.lease_duration)
        if self.witness.terms > terms:
            self.witness.faults.append("in calm weather the leader changes")
        if len(leaders) != 1:
            self.witness.faults.append(f"{len(leaders)} leaders after healing")
        elif self._observed is None or self._observed.leader != leaders[0].elector.identity:
            self.witness.faults.append("the observer does not see the leader")
        elif not leaders[0].holds_valid_term():
            self.witness.faults.append("the leader has no body")

    def _leaders(self) -> list[Candidate]:
        return [candidate for candidate in self.witness.candidates if candidate.leads()]

    def _check_the_end(self, everything: set[asyncio.Task[object]]) -> None:
        left = asyncio.all_tasks() - everything
        if left:
            self.witness.faults.append(f"tasks are left: {sorted(task.get_name() for task in left)}")
        if not self.memories[0]._store.read().is_free and self.stage in ("one lock", "between"):
            self.witness.faults.append(f"the record was not freed: {self.memories[0]._store.read()}")
