"""Exhaustive search: every order of events around one record, up to a bound, in the production core itself.

Two candidates campaign for one record, in integer ticks; writes are applied at any later time or never,
answers come late or not at all, watches tell news late, processes die and come again. Each state is judged by
what the programs were told and what the store accepted. What goes wrong is shown as a transcript, the
shortest there is.

    result = search(on_missing="wait", limits=Limits(deletions=1), most_states=100_000)
    assert result.violation is None, result.violation
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from tenure.election import Election, OnMissing
from tenure.testing.search_actor import Stage
from tenure.testing.search_form import Forms
from tenure.testing.search_key import Keys
from tenure.testing.search_ledger import Ledger, Rule
from tenure.testing.search_position import Board, Position
from tenure.testing.search_steps import Limits, Step
from tenure.testing.transcript import rewritten
from tenure.testing.world import Core
from tenure.timing import Timing

__all__ = ["TIGHT", "Limits", "Result", "Rule", "search"]

# As tight as `Timing` allows: a tick of slack would hide what goes wrong by one. A tick is half a second:
# with a retry period longer than 0.55 s the core would ask a store in trouble between ticks.
TIGHT = Timing(
    lease_duration=1.5, renew_deadline=1.0, renew_period=0.5, retry_period=0.5, clock_rate_bound=0.0
)
_TICK_S = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a search has found.

    Attributes:
        states: how many different ones were reached.
        steps: how many were taken from them.
        depth: the longest of the shortest paths, in steps.
        complete: there is nothing left to explore within the limits.
        violation: a transcript that ends in what must never happen; None: nothing was found.
    """

    states: int
    steps: int
    depth: int
    complete: bool
    violation: str | None = None


def search(
    core: Callable[..., Core] = Election,
    *,
    on_missing: OnMissing = "create",
    limits: Limits | None = None,
    timing: Timing = TIGHT,
    draw: float = 0.0,
    identities: tuple[str, str] = ("a", "b"),
    prelude: Sequence[str] = (),
    rules: Collection[Rule] = tuple(Rule),
    most_states: int | None = None,
    most_steps: int | None = None,
    progress: Callable[[Result], None] = lambda result: None,
) -> Result:
    """Explore breadth first until something is wrong, a bound is met, or nothing is left.

    Args:
        core: makes the candidates, with the arguments of `tenure.election.Election`.
        on_missing: of all candidates.
        limits: how often what may go wrong.
        timing: of all candidates, in multiples of half a second.
        draw: what every random draw yields, from 0 to 1.
        identities: of the two candidates, which are called ``a`` and ``b``; they may be the same.
        prelude: commands that are run first; they count against the limits.
        rules: that are checked.
        most_states: stop at so many; None: no bound.
        most_steps: the longest path, in steps; None: no bound.
        progress: is called after each step of depth.

    Raises:
        ValueError: a command of the prelude is no step that is possible there.
    """
    limits = limits or Limits()
    ledger = Ledger(timing.renew_deadline, rules, gap=on_missing == "create")
    forms = Forms(timing, spread=draw > 0)
    options = _options(timing, on_missing, draw)
    board = Board(core, options, identities, limits, _TICK_S, Stage(forms), ledger)
    run = _Search(core, board, Keys(forms), prelude, most_states, most_steps, progress)
    collecting = gc.isenabled()
    gc.disable()  # millions of objects, and no cycle among them
    try:
        return run.explore()
    finally:
        if collecting:
            gc.enable()


def _options(timing: Timing, on_missing: OnMissing, draw: float) -> str:
    return (
        f"lease={timing.lease_duration:g} deadline={timing.renew_deadline:g} renew={timing.renew_period:g} "
        f"retry={timing.retry_period:g} bound={timing.clock_rate_bound:g} draw={draw:g} "
        f"on_missing={on_missing}"
    )


class _Search:
    """One exploration: what was seen, and how each of it was reached."""

    def __init__(
        self,
        core: Callable[..., Core],
        board: Board,
        keys: Keys,
        prelude: Sequence[str],
        most_states: int | None,
        most_steps: int | None,
        progress: Callable[[Result], None],
    ) -> None:
        self._core = core
        self._board = board
        self._keys = keys
        self._prelude = prelude
        self._most_states = most_states
        self._most_steps = most_steps
        self._progress = progress
        self._seen: set[bytes] = set()
        self._parents = array("l")
        self._ways = array("l")
        self._steps: dict[Step, int] = {}
        self._taken = 0
        self._depth = 0

    def explore(self) -> Result:
        """Go level by level: the first violation is one with the shortest path."""
        first = self._first()
        self._add(self._keys.key(first), -1, Step(""))
        level = [(0, first)]
        while level and self._depth != self._most_steps:
            following: list[tuple[int, Position]] = []
            level.reverse()
            while level:
                index, position = level.pop()
                violation = self._expand(index, position, following)
                if violation is not None or len(self._seen) == self._most_states:
                    self._depth += 1
                    return self._result(complete=False, violation=violation)
            level = following
            self._depth += bool(level)
            self._progress(self._result(complete=False))
        return self._result(complete=not level)

    def _first(self) -> Position:
        position = self._board.first()
        for command in self._prelude:
            possible = {str(step): step for step in self._board.steps(position)}
            if command not in possible:
                raise ValueError(f"{command!r} is no step here, only {', '.join(possible)}")
            position = self._board.after(position, possible[command])
        return position

    def _expand(self, index: int, position: Position, following: list[tuple[int, Position]]) -> str | None:
        for step in self._board.steps(position):
            reached = self._board.after(position, step)
            self._taken += 1
            if self._board.fault:
                return self._transcript(index, step)
            key = self._keys.key(reached)
            if key not in self._seen:
                following.append((self._add(key, index, step), reached))
                if len(self._seen) == self._most_states:
                    return None
        return None

    def _add(self, key: bytes, parent: int, step: Step) -> int:
        self._seen.add(key)
        self._parents.append(parent)
        self._ways.append(self._steps.setdefault(step, len(self._steps)))
        return len(self._parents) - 1

    def _result(self, *, complete: bool, violation: str | None = None) -> Result:
        return Result(
            states=len(self._seen),
            steps=self._taken,
            depth=self._depth,
            complete=complete,
            violation=violation,
        )

    def _transcript(self, index: int, last: Step) -> str:
        names = list(self._steps)
        path = [last]
        while index > 0:
            path.append(names[self._ways[index]])
            index = self._parents[index]
        commands = [*self._board.opening(), *self._prelude]
        present = 2
        for step in reversed(path):
            commands += self._board.commands(step, present)
            present += step.verb == "restart"
        heading = (
            f"# {self._board.fault}, {len(path)} steps after the {'prelude' if self._prelude else 'start'}"
        )
        return heading + "\n\n" + rewritten("\n\n".join(commands), self._core)
