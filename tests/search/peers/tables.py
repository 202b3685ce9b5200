"""Tables: what becomes of each part of a search's states by each step, asked once and then looked up.

There are millions of states, but only some thousand different voters and candidates.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.search.peers.normal import Column, Known, Normal, Want, known_by, with_known
from tests.search.peers.numbers import Memo, Numbers
from tests.search.peers.parts import Candidate, Parts, Sent
from tests.search.peers.setting import Setting

__all__ = ["UNTOUCHED", "Deed", "Tables"]

UNTOUCHED = -1


class Touch(NamedTuple):
    """A change to a column by a candidate.

    Attributes:
        who: the position of the candidate.
        known: what it knows of the voter now.
        want: what it can use now.
        added: what it has sent to it.
    """

    who: int
    known: Known | None
    want: Want | None
    added: tuple[Sent, ...] = ()


class Deed(NamedTuple):
    """What a step of a candidate does.

    Attributes:
        step: that it is.
        candidate: the number of what it becomes.
        touches: for each voter, the number of the change to its column, or `UNTOUCHED`.
        term: the round of the term that it begins; 0: it begins none.
    """

    step: tuple[Any, ...]
    candidate: int
    touches: tuple[int, ...]
    term: int = 0


class Tables:
    """What becomes of parts. All arguments and results are numbers of parts, but for the steps.

    Args:
        setting: of the search.

    Attributes:
        columns: numbered.
        candidates: numbered.
        rests: numbered.
        heard: by number of a column, the answers from there: to which candidate, and their numbers.
        knows: by number of a column, the numbers of what each candidate knows of the voter.
        owns: by number of a candidate, whether it owns the lease.
        is_fresh: by number of a candidate, whether it has not tried yet.
        wants: by the numbers of all candidates: the number of what they want.
        delivered: by column, wants, and whether voters can restart: steps, and the column after each.
        hearing: by position and number of a candidate, position of a voter, number of an answer, and numbers
            of what it knows of all voters: its deed; None: there is none.
        acting: by position and number of a candidate: its other deeds.
        moving: by position and number of a candidate, and the rest: deeds by which it goes to another phase.
        touched: by column, touch, and whether voters can restart: the column.
        aged: by candidate: itself, a tick later.
        aged_column: by column, wants, and whether voters can restart: the column, a tick later.
        restarted: by column, wants, and whether voters can restart after it: the column.
        settled: the same, of a voter that has not restarted.
        adopted: by position and number of a column, wants, whether voters can restart, and rest: the column
            in the new epoch; None: there is no need.
        later: by rest: the rest, a tick later; None: there are no more.
        noted: by rest and term: the rest after it, and whether the term's round is too low.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._parts = Parts(setting)
        self._normal = Normal(setting)
        self._tolds, self._knowns, self._touches, self._wanted = Numbers(), Numbers(), Numbers(), Numbers()
        self.columns = Numbers(self._note_column)
        self.candidates = Numbers(self._note_candidate)
        self.rests = Numbers()
        self.heard: list[list[tuple[int, int]]] = []
        self.knows: list[tuple[int, ...]] = []
        self.owns: list[bool] = []
        self.is_fresh: list[bool] = []
        self.wants = Memo(self._find_wants)
        self.delivered = Memo(self._find_delivered)
        self.hearing = Memo(self._find_hearing)
        self.acting = Memo(self._find_acting)
        self.moving = Memo(self._find_moving)
        self.touched = Memo(self._find_touched)
        self.aged = Memo(self._find_aged)
        self.aged_column = Memo(self._find_aged_column)
        self.restarted = Memo(self._find_restarted)
        self.settled = Memo(self._find_settled)
        self.adopted = Memo(self._find_adopted)
        self.later = Memo(self._find_later)
        self.noted = Memo(self._find_noted)

    # ---- at the start

    def first(self) -> tuple[list[int], list[int], int]:
        """Return the numbers of the columns, the candidates and the rest at the start."""
        parts, normal, count = self._parts, self._normal, len(self._setting.candidates)
        voters = [normal.voter(parts.voter(position)) for position in range(len(self._setting.names))]
        columns = [Column(voter, frozenset(), frozenset(), (None,) * count) for voter in voters]
        candidates = [normal.candidate(parts.candidate(position)) for position in range(count)]
        return (
            [self.columns.of(each) for each in columns],
            [self.candidates.of(each) for each in candidates],
            self.rests.of(parts.rest()),
        )

    def _note_column(self, column: Column) -> None:
        told = sorted(column.answers, key=repr)
        whose = [self._setting.position_of(each.answer.ballot) for each in told]
        self.heard.append([(who, self._tolds.of(each)) for who, each in zip(whose, told, strict=True)])
        self.knows.append(tuple([self._knowns.of(known) for known in column.known]))

    def _note_candidate(self, candidate: Candidate) -> None:
        self.owns.append(self._parts.owns(candidate, 0))
        self.is_fresh.append(candidate.prepares == self._setting.prepares[0])

    # ---- voters

    def _find_wants(self, *candidates: int) -> int:
        wants = [self._normal.want(self.candidates.values[number]) for number in candidates]
        return self._wanted.of(tuple(wants))

    def _find_delivered(self, column: int, wants: int, can_restart: bool) -> list[tuple[Sent, int]]:
        before: Column = self.columns.values[column]
        found = []
        for sent in sorted(before.demands, key=repr):
            voter, told = self._parts.receive(before.voter, sent, 0)
            answers = before.answers if told is None else before.answers | {told}
            after = before._replace(voter=self._normal.voter(voter), answers=answers)
            number = self._settle(after, wants, can_restart)
            if number != column:
                found.append((sent, number))
        return found

    def _find_aged_column(self, column: int, wants: int, can_restart: bool) -> int:
        before: Column = self.columns.values[column]
        after = before._replace(voter=self._normal.voter(before.voter, shift=1))
        return self._settle(after, wants, can_restart)

    def _find_restarted(self, column: int, wants: int, can_restart: bool) -> int:
        before: Column = self.columns.values[column]
        voter = self._normal.voter(self._parts.restarted(before.voter, 0))
        return self._settle(before._replace(voter=voter), wants, can_restart)

    def _find_settled(self, column: int, wants: int, can_restart: bool) -> int:
        return self._settle(self.columns.values[column], wants, can_restart)

    def _find_adopted(
        self, position: int, column: int, wants: int, can_restart: bool, rest: int
    ) -> int | None:
        before: Column = self.columns.values[column]
        name = self._setting.names[position]
        voter = self._parts.adopted(name, before.voter, self.rests.values[rest])
        return None if voter is None else self._settle(before._replace(voter=voter), wants, can_restart)

    def recalled(self, columns: list[int], position: int, wants: int, can_restart: bool) -> int | None:
        """Return the column of a voter that has learnt from the others; None: it cannot."""
        before: list[Column] = [self.columns.values[number] for number in columns]
        others = [each.voter for each in before[:position] + before[position + 1 :]]
        voter = self._parts.recalled(before[position].voter, others, 0)
        if voter is None:
            return None
        return self._settle(before[position]._replace(voter=voter), wants, can_restart)

    def _find_touched(self, column: int, touch: int, can_restart: bool) -> int:
        before: Column = self.columns.values[column]
        who, known, want, added = self._touches.values[touch]
        everybody = (*before.known[:who], known, *before.known[who + 1 :])
        after = before._replace(known=everybody)
        return self.columns.of(self._normal.touched(after, who, want, added, can_restart=can_restart))

    def _settle(self, column: Column, wants: int, can_restart: bool) -> int:
        settled = self._normal.column(column, self._wanted.values[wants], can_restart=can_restart)
        return self.columns.of(settled)

    # ---- candidates

    def _find_hearing(
        self, who: int, candidate: int, position: int, told: int, known: tuple[int, ...]
    ) -> Deed | None:
        names = self._setting.names
        stripped: Candidate = self.candidates.values[candidate]
        before_known = [self._knowns.values[number] for number in known]
        by_name = {name: each for name, each in zip(names, before_known, strict=True) if each is not None}
        before = stripped._replace(proposer=with_known(stripped.proposer, by_name))
        answer = self._tolds.values[told]
        after, proposals = self._parts.hear(before, names[position], answer, 0)
        number = self.candidates.of(self._normal.candidate(after))
        want = self._normal.want(self.candidates.values[number])
        after_known = known_by(after.proposer)
        touches = []
        for name, old in zip(names, before_known, strict=True):
            new = after_known.get(name) if want else None
            added = tuple([sent for to, sent in proposals if to == name])
            is_touched = new != old or added or want != self._normal.want(stripped)
            touches.append(self._touches.of(Touch(who, new, want, added)) if is_touched else UNTOUCHED)
        if number == candidate and all(touch == UNTOUCHED for touch in touches):
            return None
        term = self._parts.term(before, after, 0)
        return Deed(("hear", who, (position, answer)), number, tuple(touches), term)

    def _find_acting(self, who: int, candidate: int) -> list[Deed]:
        before: Candidate = self.candidates.values[candidate]
        parts, deeds = self._parts, []
        for round_ in parts.rounds(before):
            after, sent = parts.prepare(before, round_, 0)
            deeds.append(self._deed(("prepare", who, round_), before, after, (sent,)))
        released = parts.release(before)
        if released is not None:
            deeds.append(self._deed(("release", who, None), before, released[0], tuple(released[1])))
        reborn = parts.reborn(before)
        if reborn is not None:
            deeds.append(self._deed(("reborn", who, None), before, reborn, ()))
        return deeds

    def _find_moving(self, who: int, candidate: int, rest: int) -> list[Deed]:
        before: Candidate = self.candidates.values[candidate]
        untouched = (UNTOUCHED,) * len(self._setting.names)
        deeds = []
        for phase in self._parts.phases(before, self.rests.values[rest]):
            number = self.candidates.of(before._replace(phase=phase))
            deeds.append(Deed(("phase", who, phase), number, untouched))
        return deeds

    def _deed(
        self, step: tuple[Any, ...], before: Candidate, after: Candidate, sent: tuple[Sent, ...]
    ) -> Deed:
        """Return a deed that ends the present try."""
        number = self.candidates.of(self._normal.candidate(after))
        want = self._normal.want(self.candidates.values[number])
        everyone = self._setting.phases[before.phase].everyone
        touches = [
            self._touches.of(Touch(step[1], None, want, sent if name in everyone else ()))
            for name in self._setting.names
        ]
        return Deed(step, number, tuple(touches))

    def _find_aged(self, candidate: int) -> int:
        return self.candidates.of(self._normal.candidate(self.candidates.values[candidate], shift=1))

    # ---- the rest

    def _find_later(self, rest: int) -> int | None:
        later = self._parts.later(self.rests.values[rest])
        return None if later is None else self.rests.of(later)

    def _find_noted(self, rest: int, term: int) -> tuple[int, bool]:
        noted, is_low = self._parts.noted(self.rests.values[rest], term)
        return self.rests.of(noted), is_low

    def restarts(self, rest: int) -> int:
        """Return how many restarts of voters may still be."""
        return self.rests.values[rest].restarts

    def rest_after_restart(self, rest: int) -> int:
        """Return the rest after a restart of a voter."""
        before = self.rests.values[rest]
        return self.rests.of(before._replace(restarts=before.restarts - 1))

    def rest_after_adoption(self, rest: int, columns: list[int]) -> int:
        """Return the rest after a voter has gone to another epoch."""
        voters = [self.columns.values[number].voter for number in columns]
        return self.rests.of(self._parts.left(self.rests.values[rest], voters))
