"""The nemesis: what a seed says, and that everything it does is undone."""

from __future__ import annotations

import random
from itertools import combinations
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.chaos.nemesis import LEADER, Kind, Nemesis, Strike, Victims, plan

NAMES = ["a", "b", "c"]
KINDS = [
    Kind("on a candidate", lambda _: Recorded([]), (0.5, 4), weight=3),
    Kind("on the server", lambda _: Recorded([]), (0.5, 4), ("server",), has_victim=False),
    Kind("also on the server", lambda _: Recorded([]), (0.5, 4), ("server",), has_victim=False),
]


class Recorded:
    """A fault that only says that it began and ended."""

    name = "recorded"

    def __init__(self, said: list[str], *, fails: bool = False) -> None:
        self._said, self._fails = said, fails

    def begin(self, rng: random.Random) -> str:
        self._said.append("begin")
        if self._fails:
            raise ValueError("it cannot be done")
        return f"drew {rng.random()}"

    def end(self) -> None:
        self._said.append("end")


def struck(*kinds: Kind, strikes: list[Strike], seconds: float, leader: str = "") -> list[Any]:
    """Return who was struck; the candidates are mere names."""
    candidates = {name: SimpleNamespace(name=name, kind="asyncio") for name in NAMES}
    arena = SimpleNamespace(
        candidates=list(candidates.values()), leader=candidates.get(leader), keep=lambda: None
    )
    victims: list[Any] = []

    def noting(kind: Kind) -> Kind:
        def make(victim: Any) -> Any:
            victims.append(victim and victim.name)
            return kind.make(victim)

        return Kind(kind.name, make, kind.lasts_s, kind.concerns, kind.has_victim, kind.spares)

    Nemesis(cast(Victims, arena), [noting(kind) for kind in kinds], 1, print).run(strikes, seconds)
    return victims


def test_a_seed_says_the_same_each_time_and_another_one_something_else() -> None:
    assert plan(7, 600, KINDS, NAMES) == plan(7, 600, KINDS, NAMES)
    assert plan(7, 600, KINDS, NAMES) != plan(8, 600, KINDS, NAMES)


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_ends_in_time_and_strikes_nothing_twice_at_once(seed: int) -> None:
    strikes = plan(seed, 120, KINDS, NAMES)

    assert all(strike.at_s + strike.lasts_s <= 120 for strike in strikes)
    on_the_server = [strike for strike in strikes if not strike.target]
    assert on_the_server
    for one, two in combinations(on_the_server, 2):
        assert one.at_s + one.lasts_s <= two.at_s


def test_half_of_the_targets_are_the_leader_and_the_weighty_come_more_often() -> None:
    strikes = plan(7, 6000, KINDS, NAMES)

    aimed = [strike.target for strike in strikes if strike.target]
    assert len(aimed) > len(strikes) / 2
    assert 0.4 < aimed.count(LEADER) / len(aimed) < 0.6
    assert set(aimed) == {LEADER, *NAMES}


def test_the_leader_is_struck_and_healed() -> None:
    said: list[str] = []
    kind = Kind("x", lambda _: Recorded(said), (0, 0))

    victims = struck(kind, strikes=[Strike(0, 0, 60, "x", LEADER)], seconds=0.3, leader="b")

    assert victims == ["b"]
    assert said == ["begin", "end"]


def test_a_taken_victim_is_spared_a_second_fault() -> None:
    kind = Kind("x", lambda _: Recorded([]), (0, 0))
    strikes = [Strike(number, 0, 60, "x", "a") for number in range(3)]

    victims = struck(kind, strikes=strikes, seconds=0.6)

    assert victims[0] == "a"
    assert sorted(victims) == NAMES


def test_two_that_concern_the_same_are_not_done_at_once() -> None:
    said: list[str] = []
    kind = Kind("x", lambda _: Recorded(said), (0, 0), ("server",), has_victim=False)

    struck(kind, strikes=[Strike(0, 0, 60, "x", ""), Strike(1, 0, 60, "x", "")], seconds=0.4)

    assert said == ["begin", "end"]


def test_what_was_begun_is_undone_even_if_it_failed() -> None:
    said: list[str] = []
    kind = Kind("x", lambda _: Recorded(said, fails=True), (0, 0), has_victim=False)

    with pytest.raises(ValueError, match="cannot be done"):
        struck(kind, strikes=[Strike(0, 0, 60, "x", "")], seconds=60)

    assert said == ["begin", "end"]
