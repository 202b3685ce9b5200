"""Peers and a fence: of the lines in the journal none is of a leader whose successor has begun."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.examples.members import Members
from tests.sidecar.peers import PeerGroup
from tests.sidecar.process import eventually


class Journal:
    """What the members write."""

    def __init__(self, folder: Path, group: PeerGroup) -> None:
        self.path = folder / "journal.txt"
        self._group = group

    def start(self, members: Members, name: str) -> None:
        at = ",".join(f"{each}={place}" for each, place in self._group.at.items())
        flags = (f"--at={at}", f"--listen={self._group.at[name]}", f"--secret={self._group.secret}")
        members.start("peers.py", name, *flags, f"--journal={self.path}", lease_duration_s=None)

    def lines(self) -> list[tuple[int, str]]:
        """Return all lines, in order: token and name."""
        text = self.path.read_text() if self.path.exists() else ""
        found = [line.split() for line in text.splitlines(True) if line.endswith("\n")]
        return [(int(token), name) for token, name in found]

    def writer(self, *, other_than: str = "") -> str:
        """Wait until somebody (else) writes; return the name."""

        def latest() -> str:
            lines = self.lines()
            name = lines[-1][1] if lines else ""
            return name if name != other_than else ""

        found: str = eventually(latest)
        return found

    def is_free(self) -> bool:
        """Tell whether nobody holds the fence."""
        with closing(sqlite3.connect(self.path.with_suffix(".fence"), timeout=1)) as db:
            try:
                db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                return False
        return True


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, PeerGroup(tmp_path))


def check(journal: Journal) -> None:
    """No line is older than the one before it, and a token has one writer."""
    lines = journal.lines()
    assert [token for token, _ in lines] == sorted(token for token, _ in lines)
    assert len(dict(lines)) == len(set(lines))


def test_a_leader_that_dies_is_succeeded(members: Members, journal: Journal) -> None:
    for name in "abc":
        journal.start(members, name)
    first = journal.writer()
    members.kill(first)
    second = journal.writer(other_than=first)
    journal.start(members, first)
    eventually(lambda: f"{second} leads" in members.said(first).rpartition("campaigning as")[2])
    assert members.terminate(second) == 143
    journal.writer(other_than=second)
    assert len({token for token, _ in journal.lines()}) == 3
    check(journal)


def test_a_leader_that_was_frozen_writes_nothing_any_more(members: Members, journal: Journal) -> None:
    for name in "abc":
        journal.start(members, name)
    first = journal.writer()
    members.freeze(first)
    while not journal.is_free():  # in the midst of a line: it would keep its successor waiting
        members.thaw(first)
        members.freeze(first)
    written = len([name for _, name in journal.lines() if name == first])
    second = journal.writer(other_than=first)
    members.thaw(first)
    eventually(lambda: f"{second} leads" in members.said(first))
    assert len([name for _, name in journal.lines() if name == first]) == written
    check(journal)
