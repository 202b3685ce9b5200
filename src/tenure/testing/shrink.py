"""Shrink: make a scenario that breaks the contract short, and write it down as a transcript."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tenure.election import Election
from tenure.errors import TenureError
from tenure.testing.cluster import ViolationError
from tenure.testing.machine import MachineClock
from tenure.testing.recording import Recording
from tenure.testing.scenario import Scenario
from tenure.testing.transcript import Transcript, rewritten
from tenure.testing.trial import try_scenario
from tenure.testing.world import Core

__all__ = ["Shrinker"]

ItemT = TypeVar("ItemT")

_ROUNDINGS = (0, 1, 2, 3)


class Shrinker:
    """Shrinks one failure.

    Args:
        scenario: that fails.
        violation: how.
        core: makes the candidates.
        clock: makes the clocks.
        budget_s: seconds of real time to spend on the scenario, and again on its transcript; the best so
            far counts then.
    """

    def __init__(
        self,
        scenario: Scenario,
        violation: ViolationError,
        *,
        core: Callable[..., Core] = Election,
        clock: Callable[..., MachineClock] = MachineClock,
        budget_s: float = 60.0,
    ) -> None:
        self._scenario = scenario
        self._kind = violation.kind
        self._core = core
        self._clock = clock
        self._budget_s = budget_s
        self._ends_at = 0.0

    def scenario(self) -> Scenario:
        """Return the shortest scenario found that breaks the same sentence."""
        self._ends_at = time.monotonic() + self._budget_s
        best = self._scenario
        acts = _fewest(best.acts, lambda acts: self._fails(replace(best, acts=tuple(acts))))
        best = replace(best, acts=tuple(acts))
        members = _fewest(best.members, lambda members: self._fails(replace(best, members=tuple(members))))
        return self._sooner(replace(best, members=tuple(members)))

    def transcript(self, scenario: Scenario) -> str | None:
        """Return a transcript in which the same sentence is broken.

        None: it shows only in a whole trial, as a leader that does not come does, or its steps alone do not
        show it.
        """
        recording = Recording(self._core)
        self._violation(scenario, recording)
        self._ends_at = time.monotonic() + self._budget_s
        commands = self._needed(recording.commands)
        if not commands:
            return None
        commands = _fewest(self._without_kinds(commands), self._shows)
        commands = _fewest(self._plainer(self._rounded(commands)), self._shows)
        commands = self._needed(commands)
        return rewritten(_in_blocks(commands, self._kind, scenario.seed), self._core, self._clock)

    def _sooner(self, scenario: Scenario) -> Scenario:
        """Let everything happen sooner, so that its transcript has less to tell of quiet times."""
        if not scenario.acts:
            return scenario
        for first_at in (1.0, scenario.longest_lease / 2, scenario.longest_lease, 2 * scenario.longest_lease):
            by = round(scenario.acts[0].at - first_at, 3)
            acts = tuple(replace(act, at=round(act.at - by, 3)) for act in scenario.acts)
            sooner = replace(scenario, acts=acts, seconds=max(1.0, scenario.seconds - by))
            if by > 0 and self._fails(sooner):
                return sooner
        return scenario

    def _fails(self, scenario: Scenario) -> bool:
        if time.monotonic() >= self._ends_at or not scenario.members:
            return False
        try:
            violation = self._violation(scenario, None)
        except (KeyError, StopIteration):
            return False  # an act names a member that is gone
        return violation is not None and violation.kind == self._kind

    def _violation(self, scenario: Scenario, recording: Recording | None) -> ViolationError | None:
        try:
            if recording is None:
                try_scenario(scenario, core=self._core, clock=self._clock)
            else:
                try_scenario(scenario, core=recording.core, clock=self._clock, make_world=recording.world)
        except ViolationError as violation:
            return violation
        return None

    def _shows(self, commands: Sequence[str]) -> bool:
        """Tell whether a transcript of these commands breaks the same sentence."""
        return time.monotonic() < self._ends_at and bool(self._needed(commands))

    def _needed(self, commands: Sequence[str]) -> list[str]:
        """Return the commands that can be run, up to the one that breaks the sentence; empty: none does."""
        transcript, needed = Transcript(self._core, self._clock), []
        for command in commands:
            try:
                lines = transcript.run([command])
            except (KeyError, ValueError, TenureError):
                continue  # what it needs has been left out
            if not any(" error: " in line for line in lines):
                needed.append(command)
            if any(each.split(":")[0] == self._kind for each in transcript.violations):
                return needed
        return []

    def _without_kinds(self, commands: list[str]) -> list[str]:
        """Leave out all commands of one kind, and all that concern one candidate, where that is possible."""
        words = dict.fromkeys(word for command in commands for word in command.split()[:2])
        for word in words:
            shorter = [command for command in commands if word not in command.split()[:2]]
            if self._shows(shorter):
                commands = shorter
        return commands

    def _rounded(self, commands: list[str]) -> list[str]:
        """Round times as far as they may be."""
        for at, command in enumerate(commands):
            verb, _, text = command.partition(" ")
            if verb == "until":
                exact = float(text.removesuffix("s"))
                simpler = [f"until {round(exact, digits):g}s" for digits in _ROUNDINGS]
                commands = self._first_that_shows(commands, at, simpler)
        return commands

    def _plainer(self, commands: list[str]) -> list[str]:
        """Leave out what candidates need not be told, and name the newest version by no number."""
        for at, command in enumerate(commands):
            verb, *rest = command.split()
            if verb == "candidate":
                for option in rest[1:]:
                    shorter = " ".join(word for word in commands[at].split() if word != option)
                    commands = self._first_that_shows(commands, at, [shorter])
            elif verb == "tell" and len(rest) > 1:
                commands = self._first_that_shows(commands, at, [f"tell {rest[0]}"])
        return commands

    def _first_that_shows(self, commands: list[str], at: int, simpler: list[str]) -> list[str]:
        for each in simpler:
            changed = [*commands[:at], each, *commands[at + 1 :]]
            if each != commands[at] and self._shows(changed):
                return changed
        return commands


def _fewest(items: Sequence[ItemT], fails: Callable[[list[ItemT]], bool]) -> list[ItemT]:
    """Leave out as many as possible while it still fails (delta debugging, Zeller 1999)."""
    kept = list(items)
    size = max(1, len(kept) // 2)
    while kept:
        shorter = _without_chunks(kept, size, fails)
        if size == 1 and len(shorter) == len(kept):
            return kept
        size = size if len(shorter) < len(kept) else max(1, size // 2)
        kept = shorter
    return kept


def _without_chunks(items: list[ItemT], size: int, fails: Callable[[list[ItemT]], bool]) -> list[ItemT]:
    at = 0
    while at < len(items):
        shorter = items[:at] + items[at + size :]
        if fails(shorter):
            items = shorter
        else:
            at += size
    return items


def _in_blocks(commands: list[str], kind: str, seed: int) -> str:
    """Write commands as a transcript, a block for each step of time."""
    lines = [f"# Found by simulation, seed {seed}: {kind}.", ""]
    for command in commands:
        if command.startswith("until ") and lines[-1]:
            lines += ["----", ""]
        lines.append(command)
    return "\n".join([*lines, "----"])
