"""Each notification is marked once, by leaders with rising tokens, and stale ones are refused."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from examples import exclusive_processing, exclusive_processing_threads
from tenure import FencingToken, StaleTokenError
from tests.examples.members import Members
from tests.examples.receiver import Receiver
from tests.sidecar.process import eventually

SCRIPTS = ["exclusive_processing.py", "exclusive_processing_threads.py"]
HELD = "3"
OLD, NEW = FencingToken(0, 99, "default/example"), FencingToken(1, 7, "default/example")
# The database itself counts how often a notification is marked.
COUNT_MARKS = """
CREATE TABLE marks (id INTEGER, sent_by TEXT);
CREATE TRIGGER count_marks AFTER UPDATE ON outbox BEGIN INSERT INTO marks VALUES (new.id, new.sent_by); END;
"""


class Outbox:
    """The application's side of the outbox."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as db:
            db.executescript(f"{exclusive_processing.SCHEMA}; {COUNT_MARKS}")

    def add(self, *texts: str) -> None:
        with closing(sqlite3.connect(self.path, timeout=60)) as db, db:
            db.executemany("INSERT INTO outbox (text) VALUES (?)", [(text,) for text in texts])

    def marks(self) -> list[tuple[int, FencingToken]]:
        """Return every mark that was ever made, in order: id and token."""
        with closing(sqlite3.connect(self.path, timeout=60)) as db:
            rows = db.execute("SELECT id, sent_by FROM marks ORDER BY rowid").fetchall()
        return [(key, FencingToken.parse(token)) for key, token in rows]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox.db")


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path, held_key=HELD) as receiver:
        yield receiver


def start(members: Members, script: str, outbox: Outbox, receiver: Receiver, *names: str) -> None:
    for name in names:
        members.start(script, name, f"--outbox={outbox.path}", f"--url={receiver.url}")


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_leader_dies_between_sending_and_marking(
    members: Members, outbox: Outbox, receiver: Receiver, script: str
) -> None:
    outbox.add(*"abcde")
    start(members, script, outbox, receiver, "one", "two", "three")
    assert receiver.held.wait(60)
    members.kill(members.leader())
    eventually(lambda: len(outbox.marks()) == 5)

    keys, tokens = zip(*outbox.marks(), strict=True)
    assert keys == (1, 2, 3, 4, 5)
    assert list(tokens) == sorted(tokens)
    assert tokens[1] < tokens[2]
    # Sent twice, by both of them, under the one key by which a receiver knows it again.
    sent = [(request.key, request.text) for request in receiver.requests]
    assert list(dict.fromkeys(sent)) == [*zip("12345", "abcde", strict=True)]
    assert len({request.token for request in receiver.requests if request.key == HELD}) > 1
    assert receiver.tokens == sorted(receiver.tokens)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_frozen_leader_comes_back_too_late_and_campaigns_again(
    members: Members, outbox: Outbox, receiver: Receiver, script: str
) -> None:
    outbox.add(*"abcde")
    start(members, script, outbox, receiver, "one", "two")
    assert receiver.held.wait(60)
    frozen = members.leader()
    members.freeze(frozen)
    eventually(lambda: len(outbox.marks()) == 5)
    successor = members.leader(other_than=frozen)
    receiver.release.set()  # the answer for which it was waiting is there when it wakes up
    members.thaw(frozen)
    members.kill(successor)
    outbox.add("f")
    eventually(lambda: len(outbox.marks()) == 6)

    keys, tokens = zip(*outbox.marks(), strict=True)
    assert keys == (1, 2, 3, 4, 5, 6)
    assert list(tokens) == sorted(tokens)
    assert tokens[1] < tokens[2]
    assert tokens[4] < tokens[5]
    assert members.is_running(frozen)
    assert members.leader() == frozen


@pytest.mark.parametrize("module", [exclusive_processing, exclusive_processing_threads])
def test_a_stale_leader_begins_no_transaction(outbox: Outbox, module: ModuleType) -> None:
    fenced = module.Outbox(outbox.path)
    for token in (OLD, NEW, NEW):
        with fenced.transaction(token):
            pass
    with pytest.raises(StaleTokenError), fenced.transaction(OLD):
        pytest.fail("the transaction has begun")


def test_a_stale_leader_neither_takes_nor_marks(outbox: Outbox) -> None:
    fenced = exclusive_processing.Outbox(outbox.path)
    outbox.add("a", "b")
    assert fenced.next_unsent(OLD) == (1, "a")
    assert fenced.next_unsent(NEW) == (1, "a")
    with pytest.raises(StaleTokenError):
        fenced.next_unsent(OLD)
    with pytest.raises(StaleTokenError):
        fenced.mark_sent(OLD, 1)
    assert outbox.marks() == []
    fenced.mark_sent(NEW, 1)
    assert [key for key, _ in outbox.marks()] == [1]
    assert fenced.next_unsent(NEW) == (2, "b")


class FrozenTerm:
    """A term as it looks to a leader that was frozen after each of its checks."""

    token = OLD

    def check(self, remaining_s: float = 0.0) -> None:
        pass

    def remaining_s(self) -> float:
        return 60.0

    def wait_ending(self, timeout: float) -> bool:
        return timeout > 0  # after a first attempt that was not refused


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_receiver_refuses_what_a_stale_leader_sends(
    outbox: Outbox, receiver: Receiver, script: str
) -> None:
    """Its successor has been there, but at the outbox not yet."""
    receiver.fence.raise_to(NEW)
    outbox.add("a")
    term: Any = FrozenTerm()
    with pytest.raises(StaleTokenError):
        if script == "exclusive_processing.py":
            fenced = exclusive_processing.Outbox(outbox.path)
            asyncio.run(asyncio.wait_for(exclusive_processing.empty(fenced, receiver.url, term), 30))
        else:
            exclusive_processing_threads.empty(
                exclusive_processing_threads.Outbox(outbox.path), receiver.url, term
            )
    assert (receiver.requests, receiver.refused) == ([], [OLD])
    assert outbox.marks() == []
