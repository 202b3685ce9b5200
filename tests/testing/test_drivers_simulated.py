"""The production drivers in virtual time under random faults; one seed is one run.

``SEEDS=300`` plays the seeds from 0 to 299, ``SEEDS=42-42`` that one alone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Iterator

import pytest

from tenure import office
from tenure.clock import boot_time
from tenure.lock_driver import LockDriver
from tenure.requests import Request
from tenure.term import Tenure
from tenure.testing.virtual_time import run_simulated
from tenure.timing import Timing
from tests.testing.ballot import Ballot

_COMMAND = "SEEDS={seed}-{seed} python -m pytest tests/testing/test_drivers_simulated.py -k every_seed"
_BLOCK = 10
_SABOTAGED_SEEDS = 40


def seeds() -> list[int]:
    first, dash, last = os.environ.get("SEEDS", "40").partition("-")
    return list(range(int(first), int(last) + 1)) if dash else list(range(int(first)))


def blocks() -> list[list[int]]:
    return [seeds()[start : start + _BLOCK] for start in range(0, len(seeds()), _BLOCK)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def played(seed: int, **options: float) -> Ballot:
    """Play one seed to its end, or to its first fault."""

    async def scene() -> Ballot:
        ballot = Ballot(seed, **options)
        await ballot.play()
        return ballot

    return run_simulated(scene(), seed=seed)


@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"{block[0]}-{block[-1]}")
def test_every_seed(block: list[int]) -> None:
    terms = acts = 0
    for seed in block:
        ballot = played(seed)
        if ballot.witness.faults:
            print("\n".join(ballot.story()[-200:]))
            pytest.fail(f"{ballot.witness.faults[0]}\nagain: {_COMMAND.format(seed=seed)}", pytrace=False)
        terms += ballot.witness.terms
        acts += ballot.witness.acts_done
    if len(block) == _BLOCK:  # what nobody did cannot have gone wrong
        assert terms > 5 * _BLOCK
        assert acts > 50 * _BLOCK


def release_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An office that takes no time for the body to drain."""

    async def hasty(task: asyncio.Future[object], on_cancel: Callable[[], object] = lambda: None) -> bool:
        try:
            await asyncio.wait({task}, timeout=1 if task.get_name() == "tenure body" else None)  # type: ignore
        except asyncio.CancelledError:
            on_cancel()
            return True
        return False

    monkeypatch.setattr(office, "outlast", hasty)
    # It asks a body that still runs for its error, which would take the place of the cancellation.
    monkeypatch.setattr(office, "_log_error_of", lambda body: None)


def forget_when_it_was_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that sends after a pause what was decided before it."""
    send = LockDriver._send

    async def careless(self: LockDriver, request: Request, wanted_at: float) -> None:  # type: ignore[type-arg]
        await send(self, request, boot_time())

    monkeypatch.setattr(LockDriver, "_send", careless)


def wait_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A term that is valid until the event loop says otherwise."""
    monkeypatch.setattr(Tenure, "why_over", lambda self: self._over)


def take_over_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A candidate that does not wait for the whole lease."""
    monkeypatch.setattr(Timing, "takeover_delay", lambda self, lease_duration: lease_duration / 2)


@pytest.mark.parametrize(
    ("sabotage", "fault"),
    [
        (release_at_once, "releases while its body runs|runs two bodies|campaigns while its old body runs"),
        (forget_when_it_was_wanted, "renews a term that is over"),
        (wait_to_be_told, "has a valid term, and so has|leads beside"),
        (take_over_early, "has a valid term, and so has|leads beside"),
    ],
)
def test_sabotage_is_found(
    monkeypatch: pytest.MonkeyPatch, sabotage: Callable[[pytest.MonkeyPatch], None], fault: str
) -> None:
    sabotage(monkeypatch)
    # (A pause between two given callbacks is rare: more pauses, fewer runs.)
    assert any(re.search(fault, what) for what in faults_of(lambda seed: played(seed, stall=0.01)))


def test_clocks_beyond_the_bound_are_found() -> None:
    found = faults_of(lambda seed: played(seed, rate=0.6))
    assert any(re.search(r"has a valid term, and so has|leads beside", what) for what in found)


def faults_of(play: Callable[[int], Ballot]) -> Iterator[str]:
    """Yield the first fault of each of some seeds."""
    for seed in range(_SABOTAGED_SEEDS):
        yield from play(seed).witness.faults[:1]
