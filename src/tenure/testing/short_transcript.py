"""ShortTranscript: the commands of a transcript, few and plain, that still break the same sentence."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Sequence

from tenure.testing.cluster import ViolationError
from tenure.testing.delta import fewest
from tenure.testing.machine import MachineClock
from tenure.testing.rehearsal import Rehearsal
from tenure.testing.transcript import rewritten
from tenure.testing.world import Core

__all__ = ["ShortTranscript"]

# What carries the requests and the news of one candidate; `connect` does without.
_CARRYING = ("answer", "apply", "tell", "refresh", "lose", "refuse", "land")
_ROUND_TIMES_S = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0)
_LONGEST = 200  # commands


class ShortTranscript:
    """Shortens one transcript.

    Args:
        violation: that it is to show.
        core: makes the candidates.
        clock: makes their clocks.
        budget_s: seconds of processor time to spend; the best so far counts then.
    """

    def __init__(
        self,
        violation: ViolationError,
        *,
        core: Callable[..., Core],
        clock: Callable[..., MachineClock],
        budget_s: float,
    ) -> None:
        self._violation = violation
        self._core = core
        self._clock = clock
        self._ends_at = time.process_time() + budget_s

    def text(self, commands: Sequence[str], heading: str) -> str | None:
        """Return the short transcript of these commands with its output.

        None: they do not show it, or cannot be made few enough to be read.
        """
        best = self._shown(_merged(commands))
        if best is None:
            return None
        best = self._shown(_relative(best)) or best
        best = self._shown([re.sub(r" draw=\S+", "", command) for command in best]) or best
        length = math.inf
        while len(best) < length:
            length = len(best)
            for shorten in (self._without_kinds, self._parted, self._connected, self._fewest, self._sooner):
                best = shorten(best)
        while (plainer := self._plainer(best)) != best:
            best = plainer
        return self._written(best, heading) if len(best) <= _LONGEST else None

    # ---- ways to shorten

    def _fewest(self, commands: list[str]) -> list[str]:
        return fewest(commands, self._shown)

    def _without_kinds(self, commands: list[str]) -> list[str]:
        """Leave out all commands of one kind, and all that concern one candidate, where that is possible."""
        kinds = [command.split()[0] for command in commands]
        for word in dict.fromkeys([*_candidates(commands), *kinds]):
            shorter = [command for command in commands if word not in command.split()[:2]]
            if len(shorter) < len(commands):
                commands = self._shown(shorter) or commands
        return commands

    def _connected(self, commands: list[str]) -> list[str]:
        """Let requests be answered by themselves."""
        for name in _candidates(commands):
            places = [at + 1 for at, each in enumerate(commands) if _is_of(each, name, ("candidate",))]
            places += _further([at for at, each in enumerate(commands) if _is_of(each, name, _CARRYING)])
            for place in places:
                later = [each for each in commands[place:] if not _is_of(each, name, _CARRYING)]
                shorter = self._shown([*commands[:place], f"connect {name}", *later])
                if shorter is not None and len(shorter) < len(commands):
                    commands = shorter
                    break
        return commands

    def _parted(self, commands: list[str]) -> list[str]:
        """Let requests be answered by themselves up to the moment where it matters that they are not."""
        for name in _candidates(commands):
            begin = next(at for at, each in enumerate(commands) if _is_of(each, name, ("candidate",))) + 1
            places = [at for at, each in enumerate(commands) if _is_of(each, name, _CARRYING)]
            for place in _further(places[::-1]):
                earlier = [each for each in commands[begin:place] if not _is_of(each, name, _CARRYING)]
                parts = (commands[:begin], [f"connect {name}"], earlier, [f"disconnect {name}"])
                shorter = self._shown([*(each for part in parts for each in part), *commands[place:]])
                if shorter is not None and len(shorter) < len(commands):
                    commands = shorter
                    break
        return commands

    def _sooner(self, commands: list[str]) -> list[str]:
        """Make times short and round."""
        at = 0
        while at < len(commands):
            verb, _, text = commands[at].partition(" ")
            if verb == "advance":
                exact = float(text.removesuffix("s"))
                rounded = [round(exact, digits) for digits in (0, 1, 2, 3)]
                times = [*(each for each in _ROUND_TIMES_S if each < exact), math.ceil(exact), *rounded]
                commands = self._first_shown(
                    commands, at, [f"advance {each:g}s" for each in times if each > 0]
                )
            at += 1
        return commands

    def _plainer(self, commands: list[str]) -> list[str]:
        """Leave out what need not be told, and round the rest."""
        at = 0
        while at < len(commands):
            verb, *rest = commands[at].split()
            if verb in ("candidate", "tell", "apply", "lose", "refuse"):
                for option in rest[1:]:
                    words = commands[at].split()
                    plainer = [[each for each in words if each != option]]
                    plainer += [
                        [new if each == option else each for each in words] for new in _rounded(option)
                    ]
                    commands = self._first_shown(commands, at, map(" ".join, plainer))
            at += 1
        return commands

    def _first_shown(self, commands: list[str], at: int, simpler: Iterable[str]) -> list[str]:
        for each in simpler:
            if each == commands[at]:
                break
            shown = self._shown([*commands[:at], each, *commands[at + 1 :]])
            if shown is not None:
                return shown
        return commands

    # ---- what they show

    def _shown(self, commands: Sequence[str]) -> list[str] | None:
        """Return those that are needed of them, up to the one that breaks the sentence; None: none does."""
        if time.process_time() >= self._ends_at:
            return None
        needed, rehearsal = [], Rehearsal(self._violation, self._core, self._clock)
        for command in commands:
            if rehearsal.run(command):
                needed.append(command)
            if rehearsal.is_shown:
                return _merged(needed)
        return None

    def _written(self, commands: list[str], heading: str) -> str:
        if not self._violation.kind.startswith("failed with "):
            return rewritten(_in_blocks(commands, heading), self._core, self._clock)
        # The last command raises out of its block, which cannot show anything then.
        text = rewritten(_in_blocks(commands[:-1], heading), self._core, self._clock)
        message = str(self._violation).partition(" ")[2]
        return f"{text}\n{commands[-1]}\n----\nVIOLATION: {message}\n"


def _candidates(commands: list[str]) -> list[str]:
    return [command.split()[1] for command in commands if command.startswith("candidate ")]


def _is_of(command: str, name: str, verbs: tuple[str, ...]) -> bool:
    words = command.split()
    return words[0] in verbs and words[1] == name


def _further(places: list[int]) -> list[int]:
    """Return the first of them, and some that are further and further away."""
    return [places[2**power - 1] for power in range(len(places).bit_length())]


def _rounded(option: str) -> list[str]:
    """Return plainer values of an option, the plainest first."""
    name, _, text = option.partition("=")
    if name in ("identity", "on_missing", "preempt") or not text:
        return []
    values = [float(value) for value in text.split(",")]
    lists = [values[:1], values] if len(values) > 1 else [values]
    return [
        f"{name}={','.join(f'{round(value, digits):g}' for value in each)}"
        for each in lists
        for digits in (0, 1, 2, 3)
    ]


def _merged(commands: Sequence[str]) -> list[str]:
    """Let time go on once where it goes on several times in a row."""
    merged: list[str] = []
    for command in commands:
        verb, _, text = command.partition(" ")
        last, _, before = merged[-1].partition(" ") if merged else ("", "", "")
        if verb == last == "until":
            merged[-1] = command
        elif verb == last == "advance":
            seconds = float(before.removesuffix("s")) + float(text.removesuffix("s"))
            merged[-1] = f"advance {round(seconds, 9)!r}s"
        else:
            merged.append(command)
    return merged


def _relative(commands: list[str]) -> list[str]:
    """Say for how long time goes on, and not until when, so that what comes later can come sooner."""
    now, relative = 0.0, []
    for command in commands:
        verb, _, text = command.partition(" ")
        if verb == "until":
            then = float(text.removesuffix("s"))
            command, now = f"advance {then - now!r}s", then
        relative.append(command)
    return relative


def _in_blocks(commands: list[str], heading: str) -> str:
    """Write commands as a transcript, a block for each step of time."""
    lines = [f"# {heading}", ""]
    for command in commands:
        if command.startswith(("until ", "advance ")) and lines[-1]:
            lines += ["----", ""]
        lines.append(command)
    return "\n".join([*lines, "----"])
