"""Positions with one key have one future: their successors have the same keys, by steps of the same kind."""

from __future__ import annotations

import pytest

from tenure.election import Election, OnMissing
from tenure.testing.search import TIGHT, Limits, Rule, _options
from tenure.testing.search_actor import Stage
from tenure.testing.search_form import Forms
from tenure.testing.search_key import Keys
from tenure.testing.search_ledger import Ledger
from tenure.testing.search_position import Board, Position


class Explored:
    """The positions of a short search, the first of each key."""

    def __init__(self, limits: Limits, on_missing: OnMissing) -> None:
        forms = Forms(TIGHT, spread=False)
        ledger = Ledger(TIGHT.renew_deadline, tuple(Rule), gap=on_missing == "create")
        options = _options(TIGHT, on_missing, 0.0)
        self.board = Board(Election, options, ("a", "b"), limits, 0.5, Stage(forms), ledger)
        self.keys = Keys(forms)
        self.met_again = 0

    def explore(self, most: int) -> None:
        first = self.board.first()
        seen, level = {self.keys.key(first): first}, [first]
        while len(seen) < most:
            following = []
            for position in level:
                for step in self.board.steps(position):
                    reached = self.board.after(position, step)
                    known = seen.setdefault(self.keys.key(reached), reached)
                    if known is reached:
                        following.append(reached)
                    elif self.forms(known) != self.forms(reached):
                        self.met_again += 1
                        assert self.future(known) == self.future(reached)
            level = following

    def forms(self, position: Position) -> list[int]:
        """Return what tells exactly how the candidates are, with their very numbers."""
        return [actor.form.serial for actor in position.actors.values()]

    def future(self, position: Position) -> set[tuple[str, bytes, bool]]:
        reached = [(step, self.board.after(position, step)) for step in self.board.steps(position)]
        return {(step.verb, self.keys.key(each), bool(self.board.fault)) for step, each in reached}


@pytest.mark.parametrize(
    ("limits", "on_missing"),
    [
        (Limits(), "create"),
        (Limits(deletions=1), "create"),
        (Limits(deletions=1, restarts=1, limbo=2, news=3), "wait"),
        (Limits(pauses=1, refreshes=1, stale_news=True), "create"),
    ],
)
def test_positions_with_one_key_have_one_future(limits: Limits, on_missing: OnMissing) -> None:
    explored = Explored(limits, on_missing)
    explored.explore(1_000)
    assert explored.met_again > 100
