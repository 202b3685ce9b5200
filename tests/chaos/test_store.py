"""The fenced store: an older token is refused after a newer one, whoever else is in the way."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tenure import StaleTokenError
from tenure.token import FencingToken
from tests.chaos.store import Store, late_writes, write


def token(version: int) -> FencingToken:
    return FencingToken(0, version, "default/x")


def test_an_older_token_is_refused_after_a_newer_one(tmp_path: Path) -> None:
    with Store(tmp_path / "store") as store:
        write(store.path, "a", token(5))
        write(store.path, "b", token(7))
        with pytest.raises(StaleTokenError):
            write(store.path, "a", token(5))
        write(store.path, "b", token(7))

    assert [(one.who, one.token) for one in store.accepted] == [("a", 5), ("b", 7), ("b", 7)]
    assert [(one.who, one.token) for one in store.refused] == [("a", 5)]
    assert late_writes(store.accepted) == []


def test_a_write_past_the_fence_is_late(tmp_path: Path) -> None:
    with Store(tmp_path / "store") as store:
        write(store.path, "b", token(7))
        write(store.path, "a", token(5), fenced=False)

    assert [one.who for one in late_writes(store.accepted)] == ["a"]


def test_a_writer_that_is_frozen_keeps_nobody_waiting(tmp_path: Path) -> None:
    with Store(tmp_path / "store") as store, socket.socket(socket.AF_UNIX) as frozen:
        frozen.connect(str(store.path))
        frozen.sendall(b'["a", ')
        write(store.path, "b", token(7))

    assert [one.who for one in store.accepted] == ["b"]
