"""The copy follows its source, through every change of leader, and never goes back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from examples.data_replication import COPY, SOURCE, catch_up, open_database

from tenure import FencingToken, StaleTokenError
from tenure.fencing.sqlite import BlockingSqliteFence
from tests.examples.members import Members
from tests.sidecar.process import eventually

Change = tuple[str, str | None]


class Pair:
    """A source to be written, and its copy to be looked at."""

    def __init__(self, folder: Path) -> None:
        self.source, self.copy = folder / "source.db", folder / "copy.db"
        self.fence = folder / "copy.fence"
        self.expected: dict[str, str] = {}

    def write(self, *changes: Change) -> None:
        with closing(open_database(self.source, SOURCE)) as db:
            for key, value in changes:
                db.execute("INSERT INTO changes (key, value) VALUES (?, ?)", (key, value))
                if value is None:
                    self.expected.pop(key, None)
                else:
                    self.expected[key] = value

    def items(self) -> dict[str, str]:
        with closing(open_database(self.copy, COPY)) as db:
            return dict(db.execute("SELECT key, value FROM items"))

    def progress(self) -> tuple[FencingToken, int]:
        """Return the fence and the number of the last change."""
        with closing(open_database(self.copy, COPY)) as db:
            [(number,)] = db.execute("SELECT number FROM progress")
        with closing(sqlite3.connect(self.fence, timeout=60)) as db:
            [(token, election)] = db.execute("SELECT token, election FROM fence")
        return FencingToken.parse(token, election), number

    def is_fence_held(self) -> bool:
        """Tell whether somebody is within it."""
        with closing(sqlite3.connect(self.fence, timeout=0, isolation_level=None)) as db:
            try:
                db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                return True
        return False

    def is_equal(self) -> bool:
        return self.items() == self.expected


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def round_of(name: str) -> list[Change]:
    """Changes that come out differently in another order: more than two batches, with removals at the end."""
    changes: list[Change] = [(f"key-{number % 7}", f"{name}-{number}") for number in range(230)]
    return [*changes, ("key-0", None), ("key-1", None), ("key-1", name)]


def follow(pair: Pair, replace: Callable[[], None]) -> tuple[FencingToken, FencingToken]:
    """Have one round applied by one leader and one by the next; return their tokens."""
    pair.write(*round_of("first"))
    eventually(pair.is_equal)
    before, number = pair.progress()
    assert number == 233
    replace()
    pair.write(*round_of("second"))
    eventually(pair.is_equal)
    after, number = pair.progress()
    assert number == 466
    return before, after


def test_the_copy_equals_the_source_when_the_leader_is_killed(members: Members, pair: Pair) -> None:
    for name in ("one", "two", "three"):
        members.start("data_replication.py", name, f"--source={pair.source}", f"--copy={pair.copy}")
    before, after = follow(pair, lambda: members.kill(members.leader()))
    assert before < after


def freeze_between_batches(members: Members, name: str, pair: Pair) -> None:
    """Freeze it where it does not hold the fence: there its successor would have to wait for it."""

    def freeze() -> bool:
        members.freeze(name)
        if pair.is_fence_held():
            members.thaw(name)
            return False
        return True

    eventually(freeze)


def test_a_frozen_leader_that_wakes_up_changes_nothing(members: Members, pair: Pair) -> None:
    for name in ("one", "two"):
        members.start("data_replication.py", name, f"--source={pair.source}", f"--copy={pair.copy}")
    frozen = members.leader()
    eventually(pair.copy.exists)
    _, after = follow(pair, lambda: freeze_between_batches(members, frozen, pair))
    members.thaw(frozen)
    members.kill(members.leader(other_than=frozen))
    pair.write(("key-2", "third"))
    eventually(pair.is_equal)
    assert pair.progress()[0] > after
    assert members.leader() == frozen


def test_a_stale_leader_is_refused_and_its_successor_goes_on(pair: Pair) -> None:
    old, new = FencingToken(0, 99, "default/example"), FencingToken(1, 7, "default/example")
    fence = BlockingSqliteFence(pair.fence)
    pair.write(*round_of("only"))
    assert catch_up(pair.source, pair.copy, fence, old) == 100
    assert catch_up(pair.source, pair.copy, fence, new) == 100
    kept = pair.items()
    with pytest.raises(StaleTokenError):
        catch_up(pair.source, pair.copy, fence, old)
    assert (pair.items(), pair.progress()) == (kept, (new, 200))
    assert [catch_up(pair.source, pair.copy, fence, new) for _ in range(2)] == [33, 0]
    assert pair.is_equal()
