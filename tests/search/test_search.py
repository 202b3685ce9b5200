"""The production core does no wrong in any order of events, up to a bound; SEARCH_SCALE=10 goes further."""

from __future__ import annotations

import os
from collections.abc import Hashable
from typing import Any

import pytest

from tenure.election import Election
from tenure.record import Versioned
from tenure.testing.search import Limits, search
from tenure.testing.search_copy import copy_of

SCALE = float(os.environ.get("SEARCH_SCALE", "1"))

# As steps of a search: a leads and b follows; and a, that waited for the proof of its record, leads.
FOLLOWED = ("answer a", "answer a", "answer b")
PROVEN = ("answer a", "answer a", "advance 0.5s", "answer a", "advance 0.5s", "answer a", "advance 0.5s")

SEARCHES: dict[str, dict[str, Any]] = {
    "create": {"most_states": 120_000},
    "create, deletion": {"limits": Limits(deletions=1), "most_states": 80_000},
    "wait": {"on_missing": "wait", "most_states": 40_000},
    "wait, deletion": {"on_missing": "wait", "limits": Limits(deletions=1), "most_states": 80_000},
    "wait, deletion, from a proven leader": {
        "on_missing": "wait",
        "limits": Limits(deletions=1, resignations=0),
        "prelude": PROVEN,
        "most_states": 60_000,
    },
    "restarts": {"limits": Limits(restarts=1, resignations=0, news=1), "most_states": 40_000},
    "everything, from a leader that is followed": {
        "limits": Limits(deletions=1, restarts=1, pauses=1, refreshes=1, limbo=2, news=3, stale_news=True),
        "prelude": FOLLOWED,
        "most_states": 60_000,
    },
    "one identity": {"identities": ("a", "a"), "most_states": 40_000},
    "delays": {"draw": 1.0, "limits": Limits(resignations=0), "most_states": 20_000},
}


@pytest.mark.parametrize("name", SEARCHES)
def test_no_order_of_events_does_harm(name: str) -> None:
    given = SEARCHES[name]
    most_states = int(given["most_states"] * SCALE)
    result = search(**{**given, "most_states": most_states})
    assert result.violation is None, result.violation
    assert result.complete or result.states == most_states


class _Mute(Election):
    """Sends nothing, so that there is little to explore."""

    def requests_to_send(self, now: float) -> list[Any]:
        super().requests_to_send(now)
        return []


def test_a_search_that_leaves_nothing_out_says_so() -> None:
    result = search(_Mute, limits=Limits(resignations=0))
    assert result.complete
    assert result.states > 1
    assert not search(_Mute, limits=Limits(resignations=0), most_steps=1).complete
    assert not search(_Mute, limits=Limits(resignations=0), most_states=2).complete


def test_a_core_that_breaks_is_shown() -> None:
    class Confused(Election):
        def receive_answer(self, request: Any, seen: Versioned, now: float) -> None:
            self.body_ended(now)

    violation = search(Confused).violation
    assert violation is not None
    assert violation.startswith("# error: impossible transition: release while campaigning, 1 steps")
    assert "0s error: impossible transition: release while campaigning" in violation


def test_progress_is_told_at_each_depth() -> None:
    told: list[int] = []
    search(most_steps=3, progress=lambda result: told.append(result.depth))
    assert told == [1, 2, 3]


def test_a_prelude_is_of_possible_steps() -> None:
    with pytest.raises(ValueError, match=r"'body-ended a' is no step here, only answer a, apply a"):
        search(prelude=["body-ended a"])


def test_two_deletions_are_refused() -> None:
    with pytest.raises(ValueError, match="deletions must be 0 or 1, not 2"):
        Limits(deletions=2)


def test_copies_go_their_own_way() -> None:
    class Core:
        def __init__(self) -> None:
            self.shared = Versioned(None, 0)
            self.parts = [{"versions": {1}}]
            self.again = self.parts

    core = Core()
    copied = copy_of(core)
    copied.parts[0]["versions"].add(2)
    assert core.parts == [{"versions": {1}}]
    assert copied.again is copied.parts
    assert copied.shared is core.shared


def test_what_belongs_to_one_core_cannot_be_copied() -> None:
    class Core:
        def __init__(self) -> None:
            self.hook: Hashable = self.hash

        def hash(self) -> int:
            return 0

    with pytest.raises(TypeError, match="method cannot be copied"):
        copy_of(Core())
