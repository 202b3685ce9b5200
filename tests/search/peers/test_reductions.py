"""The fast search leaves nothing out: the plain one, with all messages and no normal forms, shows no more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tenure.peer.electorate import Electorate
from tests.search.peers.normal import Known, Normal, known_by
from tests.search.peers.numbers import Numbers
from tests.search.peers.parts import Candidate, Rest, Voter
from tests.search.peers.scene import Play, Scene
from tests.search.peers.search import Search
from tests.search.peers.setting import Change, Rule, Setting

ONE = Electorate(voters=("v0",))
TICK: dict[str, Any] = {"silence": 1, "longest_grant": 1}
PAIR: dict[str, Any] = {**TICK, "leases": (1, 1), "prepares": (1, 1)}
ALONE: dict[str, Any] = {
    **TICK,
    "leases": (1,),
    "prepares": (2,),
    "rounds": 2,
    "releases": (1,),
    "rebirths": (0,),
}

SETTINGS = {
    "one voter": Setting(**PAIR, voters=ONE, rounds=2, ticks=2),
    "one voter, leases of two ticks": Setting(voters=ONE, prepares=(1, 1), ticks=3, script=((1,), (2,))),
    "one voter, release": Setting(**PAIR, voters=ONE, rounds=2, ticks=2, releases=(1, 0)),
    "one voter, restart": Setting(**PAIR, voters=ONE, rounds=1, ticks=2, restarts=1),
    "one voter, restart of a candidate": Setting(**PAIR, voters=ONE, rounds=1, ticks=1, rebirths=(1, 0)),
    "one voter, tokens": Setting(**PAIR, voters=ONE, rounds=2, ticks=1, rules=tuple(Rule)),
    "one voter, extension and release": Setting(**ALONE, voters=ONE, ticks=2),
    "three voters": Setting(**PAIR, rounds=1, ticks=0),
    "three voters, restart": Setting(
        **{**ALONE, "prepares": (1,), "rounds": 1, "releases": (0,)}, ticks=1, restarts=1
    ),
    "a change of voters": Setting(
        **{**ALONE, "prepares": (1,), "rounds": 1},
        voters=ONE,
        ticks=1,
        change=Change(to=Electorate(voters=("v1",), previous=("v0",), epoch=1), wait=1, starts=(0,)),
    ),
}

Shown = tuple[tuple[tuple[Voter, tuple[Known | None, ...]], ...], tuple[Candidate, ...], Rest]


class Shows:
    """What a state shows: its voters and candidates, without what is on its way between them."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._normal = Normal(setting)

    def of(
        self,
        voters: Iterable[tuple[Voter, tuple[Known | None, ...]]],
        candidates: Iterable[Candidate],
        rest: Rest,
    ) -> Shown:
        """Return it.

        Args:
            voters: by position, with what each candidate knows of them.
            candidates: by position.
            rest: what may still happen, ticks among it: so it counts when all this is so.

        A try for which it is too late is not shown: the fast search never ends it before a release, which
        only frees more then. Nor is what others have told of their rounds: any may be tried anyway.
        """
        ordered = list(voters)
        for group in self._setting.groups:
            alike = sorted([ordered[position] for position in group], key=repr)
            for position, each in zip(group, alike, strict=True):
                ordered[position] = each
        return tuple(ordered), tuple([self._candidate(each) for each in candidates]), rest

    def of_scene(self, scene: Scene) -> Shown:
        """Return what a state of the plain search shows."""
        candidates = [self._normal.candidate(each, shift=scene.now) for each in scene.candidates]
        known = [
            known_by(each.proposer) if self._normal.want(shown) else {}
            for each, shown in zip(scene.candidates, candidates, strict=True)
        ]
        voters = [
            (self._normal.voter(voter, shift=scene.now), tuple([each.get(name) for each in known]))
            for name, voter in zip(self._setting.names, scene.voters, strict=True)
        ]
        return self.of(voters, candidates, scene.rest)

    def swapped(self, shown: Shown) -> Shown:
        """Return what is shown with the candidates a and b in each other's place."""
        voters, candidates, rest = shown
        swapped = [(_swapped(voter), _swapped(known)[::-1]) for voter, known in voters]
        return self.of(swapped, _swapped(candidates)[::-1], rest)

    def _candidate(self, candidate: Candidate) -> Candidate:
        proposer = candidate.proposer._replace(highest=0)
        if self._normal.want(candidate) is None:
            proposer = proposer._replace(round=None)
        return candidate._replace(proposer=proposer)


def _swapped(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.translate(bytes.maketrans(b"ab", b"ba"))
    if isinstance(value, tuple):
        swapped = [_swapped(each) for each in value]
        return type(value)(*swapped) if hasattr(value, "_fields") else tuple(swapped)
    return value


def plainly(setting: Setting, shows: Shows) -> set[Shown]:
    """Search without any reduction."""
    play, known = Play(setting), Numbers()
    seen, todo, shown = set[Any](), [play.first()], set[Shown]()
    while todo:
        scene = todo.pop()
        shown.add(shows.of_scene(scene))
        for step in play.steps(scene):
            after = play.after(scene, step)
            assert play.fault is None
            if after is not None:
                key = tuple([known.of(part) for part in after])
                if key not in seen:
                    seen.add(key)
                    todo.append(after)
    return shown


@pytest.mark.parametrize("name", SETTINGS)
def test_both_searches_show_the_same(name: str) -> None:
    setting = SETTINGS[name]
    shows, fast = Shows(setting), Search(setting)
    assert fast.explore().complete
    shown = set()
    for columns, candidates, rest in map(fast.board.parts_of, fast.states):
        shown.add(shows.of([(column.voter, column.known) for column in columns], candidates, rest))
    if setting.are_alike and len(setting.candidates) == 2:
        shown |= {shows.swapped(each) for each in shown}
    assert shown == plainly(setting, shows)
