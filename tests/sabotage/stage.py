"""Stage: a transcript with a judge, and machines that can be suspended."""

from __future__ import annotations

from collections.abc import Callable

from tenure.events import Event
from tenure.requests import Request
from tenure.testing.machine import MachineClock
from tenure.testing.transcript import Transcript
from tenure.testing.world import Candidate, Change, Core
from tests.sabotage.judge import Judge

__all__ = ["Stage"]


class Stage(Transcript):
    """Runs the commands of a transcript, and says what harm they do.

    Args:
        core: makes the candidates.
        clock: of their machines.
    """

    def __init__(self, core: Callable[..., Core], clock: type[MachineClock]) -> None:
        super().__init__(core)
        self.judge = Judge(self.world)
        self._clock = clock

    def play(self, text: str) -> str:
        """Run the commands of a whole text; return it with what comes out."""
        return "\n".join(self._block(part) for part in text.strip().split("\n\n"))

    def _block(self, part: str) -> str:
        lines = part.partition("\n----")[0].splitlines()
        commands = [line for line in lines if not line.startswith("#")]
        shown = ["----", *self.run(commands)] if commands else []
        return "\n".join([*lines, *shown]) + "\n"

    def said(self, candidate: Candidate, event: Event) -> None:
        super().said(candidate, event)
        self._tell("said", candidate, event)

    def sent(self, candidate: Candidate, request: Request) -> None:
        super().sent(candidate, request)
        self._tell("sent", candidate, request)

    def changed(self, change: Change) -> None:
        super().changed(change)
        self._tell("changed", change)

    def body_ended(self, candidate: Candidate) -> None:
        super().body_ended(candidate)
        self._tell("body_ended", candidate)

    def woke(self, candidate: Candidate) -> None:
        super().woke(candidate)
        self._tell("woke", candidate)

    def _check_leaders(self) -> None:
        super()._check_leaders()
        self._tell("look")

    def _tell(self, what: str, *facts: object) -> None:
        known = len(self.judge.found)
        getattr(self.judge, what)(*facts)
        for harm in self.judge.found[known:]:
            self._say(f"HARM: {harm}")

    def do_candidate(self, name: str, **options: str) -> None:
        super().do_candidate(name, **options)
        offset, rate = float(options.get("offset", 0)), float(options.get("rate", 1))
        self.world.candidates[name].clock = self._clock(offset=offset, rate=rate)

    def do_suspend(self, name: str, seconds: str) -> None:
        """Its machine sleeps from now on; it wakes by the command ``wake``."""
        self.world.pause(self.world.candidates[name])
        self.world.candidates[name].clock.suspend(self.world.now, float(seconds.removesuffix("s")))
