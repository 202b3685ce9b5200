"""Exhaustive search: every order of events around the peers' lease, in the production code itself.

Acceptors and proposers of `tenure.peer` take every step that they can. The network delivers what was ever
sent at any later time, any number of times or never; voters and candidates restart; clocks tick. Whoever owns
the lease uses it for as long as is allowed at most. What goes wrong is shown as a transcript, the shortest
there is.

    result = search(Setting(restarts=1), most_states=100_000)
    assert result.violation is None, result.violation
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.search.peers.board import Board
from tests.search.peers.scene import Step
from tests.search.peers.setting import Setting
from tests.search.peers.transcript import transcript

__all__ = ["Result", "Search", "search"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a search has found.

    Attributes:
        states: how many different ones were reached.
        steps: how many were taken from them.
        depth: the longest of the shortest paths, in steps.
        complete: there is nothing left to explore in the setting.
        terms: how many steps began a term.
        extensions: how many steps extended one.
        violation: a transcript that ends in what must never happen; None: nothing was found.
    """

    states: int
    steps: int
    depth: int
    complete: bool
    terms: int
    extensions: int
    violation: str | None = None


def search(
    setting: Setting,
    *,
    most_states: int | None = None,
    progress: Callable[[Result], None] = lambda result: None,
) -> Result:
    """Explore breadth first until a rule is broken, a bound is met, or nothing is left.

    Args:
        setting: who takes part, and what may happen.
        most_states: stop at so many; None: no bound.
        progress: is called after each step of depth.
    """
    collecting = gc.isenabled()
    gc.disable()  # millions of objects, and no cycle among them
    try:
        return Search(setting).explore(most_states, progress)
    finally:
        if collecting:
            gc.enable()


class Search:
    """One exploration: what was seen, and how each of it was reached.

    Args:
        setting: who takes part, and what may happen.

    Attributes:
        board: knows the states.
        states: all that were reached, in order.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self.board = Board(setting)
        self.states = [self.board.first()]
        self._parents = array("l", [-1])
        self._taken = 0
        self._depth = 0

    def explore(
        self, most_states: int | None = None, progress: Callable[[Result], None] = lambda result: None
    ) -> Result:
        """Go level by level: the first violation is one with the shortest path."""
        board, states, parents = self.board, self.states, self._parents
        seen = set(states)
        index, level_ends = 0, 1
        while index < len(states):
            if index == level_ends:
                self._depth, level_ends = self._depth + 1, len(states)
                progress(self._result(complete=False))
            found = board.successors(states[index])
            self._taken += len(found)
            if board.fault is not None:
                self._depth += 1
                return self._result(complete=False, violation=self._transcript(index))
            for _, state in found:
                if state not in seen:
                    seen.add(state)
                    states.append(state)
                    parents.append(index)
                    if len(states) == most_states:
                        self._depth += 1
                        return self._result(complete=False)
            index += 1
        return self._result(complete=True)

    def _result(self, *, complete: bool, violation: str | None = None) -> Result:
        return Result(
            states=len(self.states),
            steps=self._taken,
            depth=self._depth,
            complete=complete,
            terms=self.board.terms,
            extensions=self.board.extensions,
            violation=violation,
        )

    def _transcript(self, index: int) -> str:
        """Return the transcript of the way to a state, and of the step from it that breaks a rule."""
        breach = self.board.breach
        way = [index]
        while way[-1]:
            way.append(self._parents[way[-1]])
        way.reverse()
        real = list(range(len(self._setting.names)))
        steps = []
        for before, after in pairwise(way):
            step, order = self._step(self.states[before], self.states[after])
            steps.append(_renamed(step, real))
            real = [real[position] for position in order]
        return transcript(self._setting, [*steps, _renamed(breach, real)])

    def _step(self, before: int, after: int) -> tuple[tuple[Any, ...], list[int]]:
        """Return a step between two states, and how the voters changed places after it."""
        board = self.board
        reached = [state for _, state in board.successors(before)]
        board.is_sorting = False
        step, unsorted = board.successors(before)[reached.index(after)]
        board.is_sorting = True
        return step, board.order(unsorted)


def _renamed(step: tuple[Any, ...], real: list[int]) -> Step:
    verb, who, what = step
    if verb == "hear":
        return Step(verb, who, (real[what[0]], what[1]))
    return Step(verb, real[who] if verb in ("deliver", "restart", "recall", "adopt") else who, what)
