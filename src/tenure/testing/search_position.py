"""Position: one state of the world that exhaustive search has reached, and what follows from each step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tenure.requests import ReadRequest, WriteRequest
from tenure.testing.search_copy import copy_of_candidate
from tenure.testing.search_ledger import Entry, Ledger
from tenure.testing.search_steps import Limits, Step, is_doomed, steps_from
from tenure.testing.store import RecordStore
from tenure.testing.transcript import new_candidate
from tenure.testing.world import Candidate, Core, World

__all__ = ["NAMES", "Board", "Position"]

# Of candidates, in the order in which they come.
NAMES = ("a", "b", "c", "d", "e", "f")


@dataclass(slots=True)
class Position:
    """A state that was reached. Positions share what the step between them has not touched.

    Attributes:
        now: true time, seconds.
        store: with the record.
        candidates: by name, the dead ones too.
        entries: of the ledger.
        acquired: of the ledger.
        deleted: of the ledger.
        dead: names of processes that have ended.
        left: what may still happen.
        forms: what `tenure.testing.search_key` has found out of each candidate at `now`.
    """

    now: float
    store: RecordStore
    candidates: dict[str, Candidate]
    entries: dict[str, Entry]
    acquired: dict[int, str]
    deleted: tuple[int, ...]
    dead: frozenset[str]
    left: Limits
    forms: dict[str, object] = field(default_factory=dict)


class Board:
    """The one world in which all steps are taken: set up as a position, changed, and taken down again.

    Args:
        core: makes the candidates.
        options: of the command ``candidate``.
        limits: of each run.
        tick: seconds by which time goes on.
        ledger: judges.

    Attributes:
        fault: what the last step has broken; empty: nothing.
    """

    def __init__(
        self, core: Callable[..., Core], options: str, limits: Limits, tick: float, ledger: Ledger
    ) -> None:
        self._core = core
        self._options = options
        self._tick = tick
        self._limits = limits
        self._ledger = ledger
        self._world = World(self._ledger)
        self.fault = ""

    # ---- as commands

    def opening(self) -> list[str]:
        """Return the commands that lead to the first position."""
        return [*(f"candidate {name} {self._options}" for name in NAMES[:2]), "campaign a", "campaign b"]

    def commands(self, step: Step, names: int) -> list[str]:
        """Return the commands of a step, where there are so many `names` already."""
        if step.verb != "restart":
            return [str(step)]
        return [f"pause {step.name}", *self._arrival(step, names)]

    def _arrival(self, step: Step, names: int) -> list[str]:
        successor = NAMES[names]
        identity = f"identity={step.name} " if step.argument == "with the same identity" else ""
        return [f"candidate {successor} {identity}{self._options}", f"campaign {successor}"]

    # ---- as positions

    def first(self) -> Position:
        """Return the position in which two candidates have just begun to campaign."""
        for command in self.opening():
            self._run(command)
        return self._taken_down(frozenset(), self._limits)

    def steps(self, position: Position) -> list[Step]:
        """Return what can happen next."""
        self._set_up(position)
        return list(steps_from(self._world, position.dead, position.left, self._tick))

    def after(self, position: Position, step: Step) -> Position:
        """Return what a step leads to; `fault` tells what it broke."""
        self._set_up(position)
        world, dead, left = self._world, position.dead, position.left
        if step.costs:
            left = replace(left, **{step.costs: getattr(left, step.costs) - 1})
        touched = self._touched(position, step)
        for name in touched:
            world.candidates[name] = copy_of_candidate(world.candidates[name], with_core=True)
        if self._writes(world.candidates.get(step.name), step):
            world.store = self._copy_of_store(world.store)
        try:
            if step.verb == "restart":
                dead = dead | {step.name}
            for command in self.commands(step, len(world.candidates)):
                self._run(command)
        except RuntimeError as error:
            self._ledger.fault = f"error: {error}"
        self._check()
        self.fault = self._ledger.fault
        if world.store is not position.store:
            self._settle_writes(left)
        following = self._taken_down(dead, left)
        if following.now == position.now:
            kept = [name for name, each in world.candidates.items() if each is position.candidates.get(name)]
            following.forms = {name: position.forms[name] for name in kept if name in position.forms}
        return following

    def _touched(self, position: Position, step: Step) -> list[str]:
        if step.verb == "advance":
            until = position.now + self._tick
            return [n for n, each in position.candidates.items() if self._world.next_timer(each) <= until]
        return [step.name] if step.name else []

    def _writes(self, candidate: Candidate | None, step: Step) -> bool:
        if step.verb in ("delete", "land"):
            return True
        if candidate is None or step.verb not in ("apply", "answer"):
            return False
        return not candidate.applied and not isinstance(candidate.pending, ReadRequest)

    def _copy_of_store(self, store: RecordStore) -> RecordStore:
        copied = copy.copy(store)
        oldest = store.version - self._limits.news
        copied.history = {version: seen for version, seen in store.history.items() if version >= oldest}
        return copied

    def _settle_writes(self, left: Limits) -> None:
        """Settle now what will become of writes that can only be refused: they need no step."""
        world = self._world
        for name, candidate in world.candidates.items():
            doomed = [n for n, (each, _) in candidate.limbo.items() if is_doomed(each, world, left.deletions)]
            conflicts = self._conflicts(candidate, left)
            if not (doomed or conflicts):
                continue
            cleaned = world.candidates[name] = copy_of_candidate(candidate, with_core=False)
            for number in doomed:
                del cleaned.limbo[number]
            if conflicts:
                cleaned.applied, cleaned.outcome = True, None

    def _conflicts(self, candidate: Candidate, left: Limits) -> bool:
        """Tell whether the write under way can only conflict, whenever it arrives."""
        request = candidate.pending
        writes = isinstance(request, WriteRequest) and not candidate.applied
        return writes and is_doomed(request, self._world, left.deletions)

    def _set_up(self, position: Position) -> None:
        world, ledger = self._world, self._ledger
        world.now, world.store, world.candidates = position.now, position.store, dict(position.candidates)
        ledger.entries, ledger.acquired, ledger.deleted = position.entries, position.acquired, position.deleted
        ledger.fault = ""

    def _taken_down(self, dead: frozenset[str], left: Limits) -> Position:
        world, ledger = self._world, self._ledger
        return Position(
            now=world.now,
            store=world.store,
            candidates=dict(world.candidates),
            entries=ledger.entries,
            acquired=ledger.acquired,
            deleted=ledger.deleted,
            dead=dead,
            left=left,
        )

    def _check(self) -> None:
        self._ledger.check_leaders(self._world.candidates, self._world.now)

    def _run(self, command: str) -> None:
        """Do what `tenure.testing.transcript` does at this command."""
        world = self._world
        verb, *rest = command.split()
        if verb == "advance":
            world.advance(world.now + float(rest[0].removesuffix("s")), check=self._check)
        elif verb == "delete":
            world.delete()
        elif verb == "candidate":
            options = dict(word.split("=", 1) for word in rest[1:])
            world.add(new_candidate(self._core, rest[0], options))
        else:
            self._run_with(world.candidates[rest[0]], verb, rest[1:])

    def _run_with(self, candidate: Candidate, verb: str, rest: list[str]) -> None:
        world = self._world
        match verb:
            case "campaign" | "resign" | "refresh" | "body-ended":
                world.call(candidate, verb.replace("-", "_"))
            case "apply":
                world.apply(candidate)
            case "answer":
                world.deliver(candidate)
            case "lose":
                world.fail(candidate)
            case "land":
                world.land(candidate, int(rest[0]))
            case "tell":
                world.tell(candidate, world.store.history[int(rest[0].removeprefix("v"))])
            case "pause":
                world.pause(candidate)
            case "wake":
                world.wake(candidate)
            case _:
                raise ValueError(f"no step of a search: {verb}")
