"""Board: the fast form of a search's states, and what follows from each.

A state is one integer, made of the numbers of its columns (one for each voter), of its candidates, and of the
rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.search.peers.normal import Column
from tests.search.peers.numbers import BITS, MASK
from tests.search.peers.parts import Candidate, Rest
from tests.search.peers.setting import Rule, Setting
from tests.search.peers.tables import UNTOUCHED, Deed, Tables

__all__ = ["Board"]

Found = list[tuple[tuple[Any, ...], int]]


class Board:
    """Knows what can happen in a state, and what comes of it.

    Args:
        setting: of the search.

    Attributes:
        fault: the rule that some step from a state breaks; None: none did.
        breach: that step.
        is_sorting: voters that are alike are put in order, which makes states with another order one state.
        terms: how often a step began a term.
        extensions: how often a step extended one.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._tables = Tables(setting)
        count, self._size = len(setting.candidates), len(setting.names)
        self._campaigning = range(count)
        self._low_bits = BITS * (count + 1)
        self._low_mask = (1 << self._low_bits) - 1
        self._candidate_shifts = [BITS * (count - each) for each in range(count)]
        self._column_shifts = [BITS * (count + self._size - each) for each in range(self._size)]
        self._is_one_group = len(setting.groups) == 1
        self.is_sorting = True
        self.fault: Rule | None = None
        self.breach: tuple[Any, ...] = ()
        self.terms = self.extensions = 0

    # ---- states as numbers

    def first(self) -> int:
        """Return the state at the start."""
        columns, candidates, rest = self._tables.first()
        return self._packed(columns) | self._low(candidates, rest)

    def parts_of(self, state: int) -> tuple[list[Column], list[Candidate], Rest]:
        """Return what a state is made of."""
        columns, candidates, rest = self._split(state)
        return (
            [self._tables.columns.values[number] for number in columns],
            [self._tables.candidates.values[number] for number in candidates],
            self._tables.rests.values[rest],
        )

    def _split(self, state: int) -> tuple[list[int], list[int], int]:
        return (
            [(state >> shift) & MASK for shift in self._column_shifts],
            [(state >> shift) & MASK for shift in self._candidate_shifts],
            state & MASK,
        )

    def order(self, state: int) -> list[int]:
        """Return for each position the one from which sorting takes its column, in a state made without."""
        columns, order = self._split(state)[0], list(range(self._size))
        for group in self._setting.groups:
            ordered = sorted(group, key=lambda position: columns[position])
            for position, origin in zip(group, ordered, strict=True):
                order[position] = origin
        return order

    def _packed(self, columns: list[int]) -> int:
        """Return the part of a state that columns are: voters that are alike may stand in any order."""
        if self._is_one_group and self.is_sorting:
            columns.sort()
        elif self.is_sorting:
            for group in self._setting.groups:
                ordered = sorted([columns[position] for position in group])
                for position, number in zip(group, ordered, strict=True):
                    columns[position] = number
        state = 0
        for number in columns:
            state = state << BITS | number
        return state << self._low_bits

    def _low(self, candidates: Sequence[int], rest: int) -> int:
        state = 0
        for number in candidates:
            state = state << BITS | number
        return state << BITS | rest

    # ---- what follows

    def successors(self, state: int) -> Found:
        """Return what can happen next, and what it leads to; a fault ends the list."""
        columns, candidates, rest = self._split(state)
        found: Found = []
        self._deliver(found, state, columns, candidates, rest)
        self._hear(found, columns, candidates, rest)
        self._act(found, columns, candidates, rest)
        if self._setting.restarts:
            self._restart(found, columns, candidates, rest)
        if self._setting.recalls:
            self._recall(found, columns, candidates, rest)
        if self._setting.change is not None:
            self._adopt(found, columns, candidates, rest)
        self._tick(found, columns, candidates, rest)
        return found

    def _deliver(
        self, found: Found, state: int, columns: list[int], candidates: list[int], rest: int
    ) -> None:
        tables, packed, low = self._tables, self._packed, state & self._low_mask
        wants, can_restart = tables.wants[tuple(candidates)], tables.restarts(rest) > 0
        for position, number in enumerate(columns):
            for sent, after in tables.delivered[number, wants, can_restart]:
                changed = columns.copy()
                changed[position] = after
                found.append((("deliver", position, sent), packed(changed) | low))

    def _hear(self, found: Found, columns: list[int], candidates: list[int], rest: int) -> None:
        heard, knows, hearing = self._tables.heard, self._tables.knows, self._tables.hearing
        for position, number in enumerate(columns):
            for who, told in heard[number]:
                known = tuple([knows[each][who] for each in columns])
                deed = hearing[who, candidates[who], position, told, known]
                if deed is not None:
                    self._judge(deed, who, candidates, rest)
                    self._add(found, deed, who, columns, candidates, rest)

    def _judge(self, deed: Deed, who: int, candidates: list[int], rest: int) -> None:
        owns = self._tables.owns
        if deed.candidate == candidates[who] or not owns[deed.candidate]:
            return
        if any(owns[number] for other, number in enumerate(candidates) if other != who):
            self.fault, self.breach = Rule.ONE_OWNER, deed.step
        elif deed.term and self._tables.noted[rest, deed.term][1]:
            self.fault, self.breach = Rule.TOKENS, deed.step
        if deed.term:
            self.terms += 1
        else:
            self.extensions += 1

    def _act(self, found: Found, columns: list[int], candidates: list[int], rest: int) -> None:
        tables, is_changing = self._tables, self._setting.change is not None
        for who in self._campaigning:
            number = candidates[who]
            for deed in tables.acting[who, number]:
                self._add(found, deed, who, columns, candidates, rest)
            if is_changing:
                for deed in tables.moving[who, number, rest]:
                    self._add(found, deed, who, columns, candidates, rest)
            if self._setting.are_alike and tables.is_fresh[number]:
                # Candidates that are alike can change places: the names tell who has tried first.
                break

    def _add(
        self, found: Found, deed: Deed, who: int, columns: list[int], candidates: list[int], rest: int
    ) -> None:
        tables = self._tables
        touched, can_restart = tables.touched, tables.restarts(rest) > 0
        changed = [
            number if touch == UNTOUCHED else touched[number, touch, can_restart]
            for number, touch in zip(columns, deed.touches, strict=True)
        ]
        if deed.term:
            rest = tables.noted[rest, deed.term][0]
        after = candidates.copy()
        after[who] = deed.candidate
        found.append((deed.step, self._packed(changed) | self._low(after, rest)))

    def _restart(self, found: Found, columns: list[int], candidates: list[int], rest: int) -> None:
        tables = self._tables
        if not tables.restarts(rest):
            return
        after = tables.rest_after_restart(rest)
        wants, can_restart = tables.wants[tuple(candidates)], tables.restarts(after) > 0
        others = [tables.settled[number, wants, can_restart] for number in columns]
        low = self._low(candidates, after)
        for position, number in enumerate(columns):
            changed = others.copy()
            changed[position] = tables.restarted[number, wants, can_restart]
            found.append((("restart", position, None), self._packed(changed) | low))

    def _recall(self, found: Found, columns: list[int], candidates: list[int], rest: int) -> None:
        tables = self._tables
        wants, can_restart = tables.wants[tuple(candidates)], tables.restarts(rest) > 0
        for position in range(self._size):
            after = tables.recalled(columns, position, wants, can_restart)
            if after is not None:
                changed = columns.copy()
                changed[position] = after
                state = self._packed(changed) | self._low(candidates, rest)
                found.append((("recall", position, None), state))

    def _adopt(self, found: Found, columns: list[int], candidates: list[int], rest: int) -> None:
        tables = self._tables
        wants, can_restart = tables.wants[tuple(candidates)], tables.restarts(rest) > 0
        for position, number in enumerate(columns):
            after = tables.adopted[position, number, wants, can_restart, rest]
            if after is not None:
                changed = columns.copy()
                changed[position] = after
                low = self._low(candidates, tables.rest_after_adoption(rest, changed))
                found.append((("adopt", position, None), self._packed(changed) | low))

    def _tick(self, found: Found, columns: list[int], candidates: list[int], rest: int) -> None:
        tables = self._tables
        later = tables.later[(rest,)]
        if later is None:
            return
        aged = [tables.aged[(number,)] for number in candidates]
        wants, can_restart = tables.wants[tuple(aged)], tables.restarts(rest) > 0
        changed = [tables.aged_column[number, wants, can_restart] for number in columns]
        found.append((("tick", 0, None), self._packed(changed) | self._low(aged, later)))
