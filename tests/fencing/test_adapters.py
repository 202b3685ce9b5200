"""What every fence on a real server does, for asyncio and for threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tenure import ConfigurationError, FencingToken, StaleTokenError
from tests.fencing.arena import Arena, Entry
from tests.fencing.conftest import Play
from tests.fencing.history import History, complaints

ELECTION = "default/reports"
WRITERS = 4  # of each term
WRITES = 15  # of each writer of the newest term, and at least of each older one until the next term begins
TERMS = [FencingToken(0, 9, ELECTION), FencingToken(0, 10, ELECTION), FencingToken(1, 3, ELECTION)]


def token(version: int, epoch: int = 0) -> FencingToken:
    return FencingToken(epoch, version, ELECTION)


def test_a_lower_token_is_refused_and_an_equal_one_passes(play: Play) -> None:
    async def scene(arena: Arena) -> None:
        await arena.raise_to(token(10))
        await arena.raise_to(token(10))
        await arena.write(token(10), "new")
        with pytest.raises(StaleTokenError, match="has seen token 10 of default/reports and refuses 9"):
            await arena.raise_to(token(9))
        with pytest.raises(StaleTokenError, match="refuses 9: a later term has begun"):
            await arena.write(token(9), "old")
        await arena.write(token(10), "newer")
        assert [entry.text for entry in await arena.log()] == ["new", "newer"]

    play(scene)


def test_a_write_raises_the_fence_by_itself(play: Play) -> None:
    async def scene(arena: Arena) -> None:
        await arena.write(token(9), "first")
        await arena.write(token(10), "second")
        with pytest.raises(StaleTokenError):
            await arena.write(token(9), "late")
        assert [(entry.token, entry.text) for entry in await arena.log()] == [(9, "first"), (10, "second")]

    play(scene)


def test_neighbours_beyond_what_a_double_or_64_bits_can_tell_apart(play: Play) -> None:
    async def scene(arena: Arena) -> None:
        for epoch, version in (
            (0, 2**53),
            (0, 2**53 + 1),
            (0, 2**63),
            (0, 2**64 - 1),
            (1, 0),
            (1, 1),
            (10, 0),
        ):
            await arena.raise_to(token(version, epoch))
            below = FencingToken.parse(str(int(token(version, epoch)) - 1), ELECTION)
            with pytest.raises(StaleTokenError):
                await arena.write(below, "late")
        assert await arena.log() == []

    play(scene)


def test_a_raised_epoch_is_the_way_on_after_a_restore(play: Play) -> None:
    """Versions start again at a low number; the operator starts the candidates with epoch=1."""

    async def scene(arena: Arena) -> None:
        await arena.write(token(700_000), "before")
        with pytest.raises(StaleTokenError):
            await arena.raise_to(token(80))
        await arena.raise_to(token(80, epoch=1))
        await arena.write(token(80, epoch=1), "after")
        with pytest.raises(StaleTokenError):
            await arena.write(token(700_001), "the old cluster lives on")
        assert [entry.text for entry in await arena.log()] == ["before", "after"]

    play(scene)


def test_a_token_without_an_election_is_an_error_that_says_what_to_do(play: Play) -> None:
    async def scene(arena: Arena) -> None:
        with pytest.raises(ConfigurationError, match=r"names no election.*parse"):
            await arena.raise_to(FencingToken(0, 10))

    play(scene)


async def contend(arena: Arena, write: Callable[[FencingToken, str], Awaitable[None]]) -> History:
    """Let the writers of three terms write at once: each term begins in the midst of the one before.

    An older writer ends when it is refused. It tries once more after the newest term has written everything,
    so that something is bound to go wrong where nothing refuses it.
    """
    told = History()
    begun = [asyncio.Event() for _ in TERMS]
    is_over = asyncio.Event()

    async def writer(number: int, term: int) -> None:
        its, is_newest = TERMS[term], term == len(TERMS) - 1
        count = 0
        while True:
            is_last = count + 1 >= WRITES if is_newest else is_over.is_set()
            try:
                await write(its, f"{number}/{count}")
            except StaleTokenError:
                told.refused[int(its)] += 1
                return
            told.acknowledged.setdefault(int(its), []).append(f"{number}/{count}")
            count += 1
            if count == WRITES // 3 and not is_newest:
                begun[term + 1].set()
            if is_last:
                return

    async def lead(term: int) -> None:
        await begun[term].wait()
        await asyncio.gather(*(writer(number, term) for number in range(WRITERS)))
        if term == len(TERMS) - 1:
            is_over.set()

    begun[0].set()
    await asyncio.gather(*map(lead, range(len(TERMS))))
    return told


def test_many_writers_of_three_terms_at_once(play: Play) -> None:
    async def scene(arena: Arena) -> None:
        told = await contend(arena, arena.write)
        assert complaints(await arena.log(), told) == []
        assert told.refused == {int(TERMS[0]): WRITERS, int(TERMS[1]): WRITERS}
        assert len(told.acknowledged[int(TERMS[2])]) == WRITERS * WRITES

    play(scene)


def test_the_same_writers_without_a_fence_are_found_out(play: Play) -> None:
    async def scene(arena: Arena) -> None:
        told = await contend(arena, arena.write_unguarded)
        found = complaints(await arena.log(), told)
        assert any("comes after a write of" in line for line in found), found

    play(scene)


@pytest.mark.parametrize(
    ("log", "told", "complaint"),
    [
        ([Entry(1, "a")], History({1: ["a", "b"]}), "differ"),
        ([Entry(1, "a"), Entry(1, "a")], History({1: ["a"]}), "differ"),
        ([Entry(1, "a"), Entry(2, "b", older=0)], History({1: ["a"], 2: ["b"]}), "saw 0 older writes"),
    ],
    ids=["lost", "twice", "committed late"],
)
def test_the_judge_finds_other_faults(log: list[Entry], told: History, complaint: str) -> None:
    assert any(complaint in line for line in complaints(log, told))
