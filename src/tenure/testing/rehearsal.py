"""Rehearsal: a transcript whose commands may make no sense, since what they need was left out."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable

from tenure.states import State
from tenure.testing.cluster import ViolationError
from tenure.testing.machine import MachineClock
from tenure.testing.transcript import Transcript
from tenure.testing.world import Candidate, Core

__all__ = ["Rehearsal"]

_OF_NOBODY = {"write", "garble", "touch", "request", "delete", "restore", "until", "advance"}
_OF_NOTHING = {"touch", "request", "delete", "restore"}  # where there is no record
_WHILE_PAUSED = {"apply", "land", "skew", "crash", "unpause", "wake", "connect", "disconnect"}


class Rehearsal:
    """Runs commands one by one, without those that could not happen.

    Args:
        violation: that is looked for.
        core: makes the candidates.
        clock: makes their clocks.

    Attributes:
        is_shown: the same sentence was broken.
    """

    def __init__(
        self, violation: ViolationError, core: Callable[..., Core], clock: Callable[..., MachineClock]
    ) -> None:
        self.is_shown = False
        self._violation = violation
        self._transcript = Transcript(core, clock)
        self._crashed: set[str] = set()

    def run(self, command: str) -> bool:
        """Run a command; return whether it did something."""
        verb, *rest = command.split()
        name = rest[0] if rest else ""
        if not self._may_happen(verb, name):
            return False
        try:
            lines = self._transcript.run([command])
        except Exception as error:
            self.is_shown = self._is_of_a_core(error) and self._is_same(type(error).__name__, str(error))
            return self.is_shown
        if verb == "crash":
            self._crashed.add(name)
        errors = [line.partition(" error: ")[2] for line in lines if " error: " in line]
        self.is_shown = any(
            each.split(":")[0] == self._violation.kind for each in self._transcript.violations
        )
        self.is_shown |= any(self._is_same("RuntimeError", each) for each in errors)
        return self.is_shown or not errors

    def _may_happen(self, verb: str, name: str) -> bool:
        """Tell whether a simulation could do this now."""
        world = self._transcript.world
        if verb in _OF_NOBODY:
            return verb not in _OF_NOTHING or world.store.head.record is not None
        candidate = world.candidates.get(name)
        if candidate is None:
            return verb == "candidate"
        if name in self._crashed:
            return verb == "land"
        if candidate.paused:
            return verb in _WHILE_PAUSED
        return self._makes_sense(verb, candidate)

    def _makes_sense(self, verb: str, candidate: Candidate) -> bool:
        if verb == "campaign":
            return candidate.core.state is State.IDLE
        if verb == "body-ended":
            return candidate.term is not None and candidate.term.body_runs
        return verb not in ("unpause", "wake", "candidate")

    def _is_same(self, kind: str, message: str) -> bool:
        """Tell whether an error is the one that is looked for; numbers may differ."""
        wanted = str(self._violation).partition(" ")[2]
        return _without_numbers(wanted) == _without_numbers(f"failed with {kind}: {message}")

    def _is_of_a_core(self, error: Exception) -> bool:
        """Tell an error inside a core from that of a command which names what is not there."""
        cores = [candidate.core for candidate in self._transcript.world.candidates.values()]
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        return any(frame.f_locals.get("self") is core for frame in frames for core in cores)


def _without_numbers(text: str) -> str:
    return re.sub(r"[\d.]+", "", text)
