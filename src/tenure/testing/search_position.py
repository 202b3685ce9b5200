"""Position: one state of the world that exhaustive search has reached, and what follows from each step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from tenure.events import Elected, Event
from tenure.requests import WriteRequest
from tenure.testing.search_actor import Actor, Note, Stage
from tenure.testing.search_copy import copy_of_candidate
from tenure.testing.search_form import NAMES
from tenure.testing.search_ledger import Entry, Ledger, Win
from tenure.testing.search_steps import Limits, Step, is_doomed, steps_from
from tenure.testing.store import RecordStore
from tenure.testing.transcript import new_candidate
from tenure.testing.world import Candidate, Core

__all__ = ["Board", "Position"]


@dataclass(slots=True)
class Position:
    """A state that was reached. Positions share what the step between them has not changed.

    Attributes:
        now: true time, seconds.
        store: with the record.
        actors: the candidates by name, the dead ones too.
        entries: of the ledger.
        wins: of the ledger.
        deletions: of the ledger.
        left: what may still happen.
    """

    now: float
    store: RecordStore
    actors: dict[str, Actor]
    entries: dict[str, Entry]
    wins: tuple[Win, ...]
    deletions: tuple[int, ...]
    left: Limits

    def draft(self) -> Position:
        """Return a copy that may be changed into what follows."""
        actors = dict(self.actors)
        return Position(self.now, self.store, actors, self.entries, self.wins, self.deletions, self.left)


class Board:
    """Knows what can happen in a position, and what comes of it.

    Args:
        core: makes the candidates.
        options: of the command ``candidate``.
        identities: of the first two candidates.
        limits: of each run.
        tick: seconds by which time goes on.
        stage: plays what was not seen before.
        ledger: judges.

    Attributes:
        fault: what the last step has broken; empty: nothing.
    """

    def __init__(
        self,
        core: Callable[..., Core],
        options: str,
        identities: tuple[str, str],
        limits: Limits,
        tick: float,
        stage: Stage,
        ledger: Ledger,
    ) -> None:
        self._core = core
        self._options = options
        self._identities = identities
        self._limits = limits
        self._tick = tick
        self._stage = stage
        self._ledger = ledger
        self.fault = ""

    # ---- as commands

    def opening(self) -> list[str]:
        """Return the commands that lead to the first position."""
        arrivals = [self._arrival(*each) for each in zip(NAMES, self._identities, strict=False)]
        return [*arrivals, "campaign a", "campaign b"]

    def commands(self, step: Step, present: int) -> list[str]:
        """Return the commands of a step, where so many candidates are `present` or dead."""
        if step.verb != "restart":
            return [str(step)]
        successor = NAMES[present]
        identity = step.argument.removeprefix("as ")
        return [
            f"pause {step.name}",
            self._arrival(successor, identity or successor),
            f"campaign {successor}",
        ]

    def _arrival(self, name: str, identity: str) -> str:
        return " ".join(
            [f"candidate {name}", *([f"identity={identity}"] * (identity != name)), self._options]
        )

    # ---- as positions

    def first(self) -> Position:
        """Return the position in which two candidates have just begun to campaign."""
        ledger = self._ledger
        position = Position(
            0.0, RecordStore(), {}, ledger.entries, ledger.wins, ledger.deletions, self._limits
        )
        for command in self.opening()[:2]:
            self._arrive(position, command)
        position.entries = ledger.entries
        return position

    def steps(self, position: Position) -> list[Step]:
        """Return what can happen next."""
        return list(steps_from(position.actors.values(), position.store.head, position.left, self._tick))

    def after(self, position: Position, step: Step) -> Position:
        """Return what a step leads to; `fault` tells what it broke."""
        ledger, reached = self._ledger, position.draft()
        ledger.entries, ledger.wins, ledger.deletions = position.entries, position.wins, position.deletions
        ledger.fault = ""
        if step.costs:
            reached.left = replace(reached.left, **{step.costs: getattr(reached.left, step.costs) - 1})
        self._take(reached, step)
        ledger.look([actor.candidate for actor in reached.actors.values()], reached.now)
        if reached.store is not position.store:
            self._settle_writes(reached)
        reached.entries, reached.wins, reached.deletions = ledger.entries, ledger.wins, ledger.deletions
        self.fault = ledger.fault
        return reached

    def _take(self, reached: Position, step: Step) -> None:
        match step.verb:
            case "advance":
                self._advance(reached)
            case "delete":
                self._change_store(reached, self._stage.world.delete)
            case "restart":
                self._restart(reached, step)
            case "apply":
                self._apply(reached, step.name)
            case "land":
                self._land(reached, step.name, int(step.argument))
            case _:
                self._call(reached, step)

    # ---- one candidate

    def _call(self, reached: Position, step: Step) -> None:
        world, name = self._stage.world, step.name
        match step.verb:
            case "answer":
                if not reached.actors[name].candidate.applied:
                    self._apply(reached, name)
                candidate = reached.actors[name].candidate
                if candidate.outcome is not None:
                    self._ledger.told(candidate, candidate.outcome, by_watch=False)
                self._move(reached, name, "answer", world.deliver)
            case "tell":
                seen = reached.store.history[int(step.argument.removeprefix("v"))]
                self._ledger.told(reached.actors[name].candidate, seen, by_watch=True)
                self._move(reached, name, ("tell", seen), lambda candidate: world.tell(candidate, seen))
            case "body-ended":
                self._ledger.body_ended(reached.actors[name].candidate)
                self._move(reached, name, "body-ended", lambda candidate: world.call(candidate, "body_ended"))
            case "lose":
                self._move(reached, name, "lose", world.fail)
            case "pause":
                self._move(reached, name, "pause", world.pause)
            case "wake":
                self._move(reached, name, "wake", world.wake)
            case method:
                self._move(reached, name, method, lambda candidate: world.call(candidate, method))

    def _move(
        self,
        reached: Position,
        name: str,
        what: str | tuple[object, ...],
        act: Callable[[Candidate], object],
        *,
        with_core: bool = True,
    ) -> None:
        actor = reached.actors[name]
        move = self._stage.move(actor, what, act, now=reached.now, with_core=with_core)
        reached.actors[name] = move.actor
        self._note(move.notes)

    def _note(self, notes: list[Note]) -> None:
        for at, candidate, what in notes:
            if isinstance(what, str):
                self._ledger.failed(what)
            elif isinstance(what, Event):
                self._ledger.said(candidate, what, at)
            else:
                self._ledger.sent(candidate, what)

    def _restart(self, reached: Position, step: Step) -> None:
        """One process ends for good, another begins."""
        stage, old = self._stage, copy_of_candidate(reached.actors[step.name].candidate, with_core=False)
        arrival = self.commands(step, len(reached.actors))[1]
        stage.world.now = reached.now
        stage.world.pause(old)
        reached.actors[step.name] = stage.actor(old, is_dead=True)
        self._arrive(reached, arrival)

    def _arrive(self, reached: Position, command: str) -> None:
        stage, (name, *options) = self._stage, command.split()[1:]
        candidate = new_candidate(self._core, name, dict(option.split("=", 1) for option in options))
        stage.world.now, stage.world.candidates = reached.now, {name: candidate}
        self._note(stage.play(lambda: stage.world.call(candidate, "campaign")))
        reached.actors[name] = stage.actor(candidate)

    # ---- the record

    def _apply(self, reached: Position, name: str) -> None:
        probe = copy_of_candidate(reached.actors[name].candidate, with_core=False)
        if isinstance(probe.pending, WriteRequest):
            self._change_store(reached, lambda: self._stage.world.apply(probe))
        else:
            self._stage.world.store = reached.store
            self._stage.world.apply(probe)
        what = ("applied", probe.outcome)
        self._move(reached, name, what, lambda each: _set_outcome(each, probe), with_core=False)

    def _land(self, reached: Position, name: str, number: int) -> None:
        probe = copy_of_candidate(reached.actors[name].candidate, with_core=False)
        self._change_store(reached, lambda: self._stage.world.land(probe, number))
        self._move(reached, name, ("landed", number), partial(_forget, number), with_core=False)

    def _change_store(self, reached: Position, act: Callable[[], object]) -> None:
        store = copy.copy(reached.store)
        oldest = store.version - self._limits.news
        store.history = {version: seen for version, seen in store.history.items() if version >= oldest}
        world = self._stage.world
        world.now, world.store, world.candidates = reached.now, store, {}
        act()
        for change in self._stage.changes():
            reached.store = store
            self._ledger.changed(change)

    def _settle_writes(self, reached: Position) -> None:
        """Settle now what will become of writes that can only be refused: they need no step."""
        head, deletions = reached.store.head, reached.left.deletions
        for name, actor in reached.actors.items():
            candidate, request = actor.candidate, actor.candidate.pending
            if (
                isinstance(request, WriteRequest)
                and not candidate.applied
                and is_doomed(request, head, deletions)
            ):
                self._move(reached, name, ("applied", None), _refuse, with_core=False)
            for number, (request, _) in candidate.limbo.items():
                if is_doomed(request, head, deletions):
                    forget = partial(_forget, number)
                    self._move(reached, name, ("landed", number), forget, with_core=False)

    # ---- time

    def _advance(self, reached: Position) -> None:
        world, until = self._stage.world, reached.now + self._tick
        moves = {
            name: self._stage.move(
                actor,
                "advance",
                lambda _: world.advance(until),
                now=reached.now,
                with_core=not actor.candidate.paused and world.next_timer(actor.candidate) <= until,
            )
            for name, actor in reached.actors.items()
        }
        notes = [note for move in moves.values() for note in move.notes]
        if any(isinstance(what, Elected) for _, _, what in notes):
            self._look_meanwhile(reached, until)
        reached.now = until
        reached.actors = {name: move.actor for name, move in moves.items()}
        self._note(notes)

    def _look_meanwhile(self, reached: Position, until: float) -> None:
        """Some term begins by itself, so terms must be compared before the tick is over too."""
        world, actors = self._stage.world, reached.actors
        copies = {n: copy_of_candidate(actor.candidate, with_core=True) for n, actor in actors.items()}
        world.now, world.candidates = reached.now, copies
        look = lambda: self._ledger.look(copies.values(), world.now)  # noqa: E731
        self._stage.play(lambda: world.advance(until, check=look))


def _set_outcome(candidate: Candidate, probe: Candidate) -> None:
    candidate.applied, candidate.outcome = True, probe.outcome


def _refuse(candidate: Candidate) -> None:
    candidate.applied, candidate.outcome = True, None


def _forget(number: int, candidate: Candidate) -> None:
    del candidate.limbo[number]
