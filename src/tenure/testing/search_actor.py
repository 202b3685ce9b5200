"""Actor: a candidate at one moment of the search, as many positions have it, and what becomes of it.

In a million positions there are but some thousand different candidates. So the core is asked only once what
it does in a state on an input, and every position with the same candidate takes over the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from tenure.events import Event
from tenure.requests import Request
from tenure.testing.search_copy import copy_of_candidate
from tenure.testing.search_form import Form, Forms
from tenure.testing.world import Candidate, Change, Observer, World

__all__ = ["Actor", "Move", "Note", "Stage"]

# More than these are not kept to be met again: each takes some kilobytes.
_MOST_ACTORS = 200_000


class Note(NamedTuple):
    """What a candidate put out.

    Attributes:
        at: true time, seconds.
        candidate: that did.
        what: was said or sent; a text is an error.
    """

    at: float
    candidate: Candidate
    what: Event | Request | str


@dataclass(eq=False, slots=True)
class Actor:
    """A candidate, which nobody changes any more.

    Attributes:
        candidate: as it is.
        form: what tells it from others.
        is_dead: its process has ended; only what it has sent can still do something.
        moves: what was found out of its future.
    """

    candidate: Candidate
    form: Form
    is_dead: bool = False
    moves: dict[Hashable, Move] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of an actor by one input.

    Attributes:
        actor: what it is then.
        notes: what was said and sent, in order.
    """

    actor: Actor
    notes: list[Note]


class _Recorder(Observer):
    def __init__(self) -> None:
        self.world: World
        self.notes: list[Note] = []
        self.changes: list[Change] = []

    def said(self, candidate: Candidate, event: Event) -> None:
        self.notes.append(Note(self.world.now, candidate, event))

    def sent(self, candidate: Candidate, request: Request) -> None:
        self.notes.append(Note(self.world.now, candidate, request))

    def changed(self, change: Change) -> None:
        self.changes.append(change)


class Stage:
    """The one world in which whatever was not seen before is played.

    Args:
        forms: tells actors apart.
    """

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._recorder = _Recorder()
        self._actors: dict[tuple[float, int], Actor] = {}
        self.world = self._recorder.world = World(self._recorder)

    def actor(self, candidate: Candidate, *, is_dead: bool = False) -> Actor:
        """Return the actor that this candidate is at the present time of the world."""
        form_of = self._forms.of_dead if is_dead else self._forms.of_candidate
        form = form_of(candidate, self.world.now)
        actor = self._actors.get((self.world.now, id(form)))
        if actor is None or actor.form is not form:
            if len(self._actors) >= _MOST_ACTORS:
                self._actors.clear()
            actor = self._actors[self.world.now, id(form)] = Actor(candidate, form, is_dead)
        return actor

    def move(
        self,
        actor: Actor,
        what: Hashable,
        act: Callable[[Candidate], object],
        *,
        now: float,
        with_core: bool = True,
    ) -> Move:
        """Return what becomes of an actor.

        Args:
            actor: at the time `now`.
            what: names the input.
            act: plays it, on a copy, in this world.
            now: true time, seconds.
            with_core: the core is asked.
        """
        move = actor.moves.get(what)
        if move is None:
            candidate = copy_of_candidate(actor.candidate, with_core=with_core)
            self.world.now, self.world.candidates = now, {candidate.name: candidate}
            notes = self.play(lambda: act(candidate))
            move = actor.moves[what] = Move(self.actor(candidate, is_dead=actor.is_dead), notes)
        return move

    def play(self, act: Callable[[], object]) -> list[Note]:
        """Do something in the world; return what was said and sent."""
        notes = self._recorder.notes = []
        try:
            act()
        except RuntimeError as error:
            candidate = next(iter(self.world.candidates.values()))
            notes.append(Note(self.world.now, candidate, f"error: {error}"))
        return notes

    def changes(self) -> list[Change]:
        """Return what has changed the record since this was asked last."""
        changes, self._recorder.changes = self._recorder.changes, []
        return changes
