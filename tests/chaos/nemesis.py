"""The nemesis: draws faults from a seed, does them, and undoes them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tenure.clock import boot_time
from tests.chaos.candidates import Candidate
from tests.chaos.faults import Fault

__all__ = ["LEADER", "Done", "Kind", "Nemesis", "Strike", "Victims", "plan"]

LEADER = "the leader"

_AT_ONCE = 3
_FIRST_S, _LONGEST_PAUSE_S = 2.0, 3.5
_TICK_S = 0.05


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Attributes:
        name: for the plan and the report.
        make: makes one, for a victim or (where it has none) for None.
        lasts_s: the shortest and the longest time it lasts.
        concerns: what it needs or spoils beside its victim; no two faults concern the same at once.
        has_victim: it strikes one candidate.
        spares: kinds of candidates that it does not strike.
        weight: how often it has its turn, where others have it once.
    """

    name: str
    make: Callable[[Candidate | None], Fault]
    lasts_s: tuple[float, float]
    concerns: tuple[str, ...] = ()
    has_victim: bool = True
    spares: tuple[str, ...] = ()
    weight: int = 1


@dataclass(frozen=True)
class Strike:
    """One fault of a plan: `at_s` after the start, for `lasts_s`."""

    number: int
    at_s: float
    lasts_s: float
    kind: str
    target: str

    def __str__(self) -> str:
        """One line of the plan."""
        target = f" -> {self.target}" if self.target else ""
        return f"{self.at_s:6.1f} s  {self.kind}{target}, {self.lasts_s:.1f} s"


@dataclass
class Done:
    """A fault that happened, to a victim or (empty) to all; boot times in seconds."""

    kind: str
    victim: str
    said: str
    began: float
    ended: float = field(default=float("inf"))


class Victims(Protocol):
    """Those whom faults can strike, such as an `Arena` has them."""

    candidates: list[Candidate]

    @property
    def leader(self) -> Candidate | None:
        """Who leads, if anybody does."""

    def keep(self) -> None:
        """Start those again that have ended by themselves."""


def plan(seed: int, seconds: float, kinds: Sequence[Kind], names: Sequence[str]) -> list[Strike]:
    """Return what the seed says: when, which fault, against whom, how long.

    Half of the faults that have a victim strike whoever leads then. All kinds have their turns before
    the next round. The same seed and kinds give the same plan; what it meets differs from run to run.
    """
    rng = random.Random(seed)
    strikes: list[Strike] = []
    busy: list[tuple[float, tuple[str, ...]]] = []  # until when, and what it concerns
    now = _FIRST_S
    for kind in _turns(rng, kinds):
        lasts_s = rng.uniform(*kind.lasts_s)
        target = (LEADER if rng.random() < 0.5 else rng.choice(names)) if kind.has_victim else ""
        now = max([now, *(until for until, concerns in busy if set(concerns) & set(kind.concerns))])
        if now >= seconds:
            return strikes
        lasts_s = min(lasts_s, seconds - now)
        strikes.append(Strike(len(strikes), now, lasts_s, kind.name, target))
        busy = sorted([*(each for each in busy if each[0] > now), (now + lasts_s, kind.concerns)])
        now = max(now, busy[0][0] if len(busy) >= _AT_ONCE else 0) + rng.uniform(0, _LONGEST_PAUSE_S)
    return strikes


def _turns(rng: random.Random, kinds: Sequence[Kind]) -> Iterator[Kind]:
    weights = [kind.weight for kind in kinds]
    while True:
        yield from rng.sample(kinds, sum(weights), counts=weights)


class Nemesis:
    """Carries out a plan.

    Args:
        victims: whom to strike.
        kinds: of faults.
        seed: of what each fault draws for itself.
        say: is told what happens.
    """

    def __init__(
        self, victims: Victims, kinds: Sequence[Kind], seed: int, say: Callable[[str], None]
    ) -> None:
        self.done: list[Done] = []
        self._victims = victims
        self._kinds = {kind.name: kind for kind in kinds}
        self._seed = seed
        self._say = say
        self._active: list[_Active] = []

    def run(self, strikes: Sequence[Strike], seconds: float) -> None:
        """Strike for `seconds`; all is healed when this returns, however it does."""
        start = time.monotonic()
        waiting = list(strikes)
        try:
            while (now := time.monotonic() - start) < seconds:
                self._heal([active for active in self._active if active.until_s <= now])
                if waiting and waiting[0].at_s <= now and len(self._active) < _AT_ONCE:
                    self._strike(waiting.pop(0), now)
                self._victims.keep()
                time.sleep(_TICK_S)
        finally:
            self._heal(list(self._active))

    def _strike(self, strike: Strike, now: float) -> None:
        kind = self._kinds[strike.kind]
        rng = random.Random(f"{self._seed}/{strike.number}")
        victim = self._victim(strike, rng) if kind.has_victim else None
        concerns = (*kind.concerns, *([victim.name] if victim else []))
        is_taken = any(set(concerns) & set(active.concerns) for active in self._active)
        if is_taken or (kind.has_victim and victim is None):
            self._say(f"{now:6.1f} s  {strike.kind}: left out, another fault is at it")
            return
        fault = kind.make(victim)
        done = Done(kind.name, victim.name if victim else "", "", boot_time())
        active = _Active(fault, done, concerns, now + strike.lasts_s)
        self._active.append(active)  # first, so that it is undone even if it is interrupted
        done.said = fault.begin(rng)
        self.done.append(done)
        self._say(f"{now:6.1f} s  {done.said}")

    def _victim(self, strike: Strike, rng: random.Random) -> Candidate | None:
        """Return the leader or whoever is named, if it is free; else another one that is."""
        taken = {name for active in self._active for name in active.concerns}
        spared = self._kinds[strike.kind].spares
        free = [
            each for each in self._victims.candidates if each.name not in taken and each.kind not in spared
        ]
        leader = self._victims.leader
        wanted = leader.name if leader and strike.target == LEADER else strike.target
        return next((each for each in free if each.name == wanted), rng.choice(free) if free else None)

    def _heal(self, due: Iterable[_Active]) -> None:
        for active in due:
            active.fault.end()
            active.done.ended = boot_time()
            self._active.remove(active)


@dataclass
class _Active:
    fault: Fault
    done: Done
    concerns: tuple[str, ...]
    until_s: float
