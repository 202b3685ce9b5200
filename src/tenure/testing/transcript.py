"""Transcripts: text files that drive candidates over one scripted store and show every output.

A file is a row of blocks, each of commands, a line ``----`` and what came out, up to the next empty line::

    candidate a
    campaign a
    ----
    0s a: CampaignStarted()
    0s a > read, knowing -1, 10s
    0s a is campaigning, timer 0s

Commands take a candidate and options as ``name=value``; `Transcript` has one method for each of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

from tenure.election import Election, OnMissing
from tenure.events import Event
from tenure.handover import Preference
from tenure.record import Record, UnreadableRecord
from tenure.requests import NoteRequest, ReadRequest, Request, WriteRequest
from tenure.testing.checks import checks_of
from tenure.testing.chronicle import Chronicle
from tenure.testing.machine import MachineClock
from tenure.testing.world import Candidate, Change, Core, Observer, World
from tenure.timing import Timing
from tenure.token import FencingToken

__all__ = ["Transcript", "new_candidate", "rewritten"]

_SEPARATOR = "----"


@dataclass
class _Block:
    heading: list[str]  # comments
    commands: list[str]


def _blocks(text: str) -> list[_Block]:
    blocks = []
    for part in text.strip().split("\n\n"):
        lines = part.splitlines()
        heading = [line for line in lines if line.startswith("#")]
        body = lines[len(heading) :]
        end = body.index(_SEPARATOR) if _SEPARATOR in body else len(body)
        blocks.append(_Block(heading, body[:end]))
    return blocks


def rewritten(
    text: str,
    core: Callable[..., Core] = Election,
    clock: Callable[..., MachineClock] = MachineClock,
) -> str:
    """Return a transcript with the output that its commands have now.

    Args:
        text: the transcript; what it shows as output is of no interest.
        core: makes the candidates, with the arguments of `tenure.election.Election`.
        clock: makes the clocks of their machines.
    """
    transcript = Transcript(core, clock)
    parts = []
    for block in _blocks(text):
        lines = [*block.heading, *block.commands]
        if block.commands:
            lines += [_SEPARATOR, *transcript.run(block.commands)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def new_candidate(
    core: Callable[..., Core],
    name: str,
    options: dict[str, str],
    clock: Callable[..., MachineClock] = MachineClock,
) -> Candidate:
    """Make a candidate as the command ``candidate NAME OPTION=VALUE...`` does.

    Args:
        core: makes its core, with the arguments of `tenure.election.Election`.
        name: of the process; its identity too, unless the options name another.
        options: ``identity``, ``on_missing``, ``draw`` (several with commas: one after another), ``drain``,
            ``epoch``; ``priority``, ``preempt=yes`` and ``tenure`` (the least); the durations ``lease``,
            ``deadline``, ``renew``, ``retry``; the clock-rate ``bound``; its clock's ``offset`` and ``rate``.
        clock: makes its clock.
    """
    timing = Timing(
        lease_duration=float(options.get("lease", 15)),
        renew_deadline=float(options.get("deadline", math.nan)),
        renew_period=float(options.get("renew", math.nan)),
        retry_period=float(options.get("retry", math.nan)),
        clock_rate_bound=float(options.get("bound", 0.01)),
    )
    epoch, preference = int(options.get("epoch", 0)), _preference(options)
    on_missing: OnMissing = "wait" if options.get("on_missing") == "wait" else "create"
    election = core(
        identity=options.get("identity", name),
        incarnation=name,
        timing=timing,
        draw=_draws(options.get("draw", "0.5")),
        on_missing=on_missing,
        drain_timeout=float(options.get("drain", 20)),
        epoch=epoch,
        preference=preference,
    )
    machine = clock(offset=float(options.get("offset", 0)), rate=float(options.get("rate", 1)))
    return Candidate(name, election, machine, timing, on_missing, epoch, preference=preference)


def _preference(options: dict[str, str]) -> Preference:
    return Preference(
        priority=int(options.get("priority", 0)),
        preempt=options.get("preempt") == "yes",
        minimum_tenure=float(options.get("tenure", Preference().minimum_tenure)),
    )


def _draws(text: str) -> Callable[[], float]:
    """Return what yields the numbers of a list, and the last of them ever after."""
    coming = [float(number) for number in text.split(",")]
    return lambda: coming.pop(0) if len(coming) > 1 else coming[0]


def _number(value: float) -> str:
    return f"{value:.7g}"


def _shown(value: object) -> str:
    if isinstance(value, FencingToken):
        return str(value)
    if isinstance(value, float | int) and not isinstance(value, bool):
        return _number(value)
    return repr(value) if isinstance(value, str) and not value.isidentifier() else str(value)


def _event(event: Event) -> str:
    given = ", ".join(f"{f.name}={_shown(getattr(event, f.name))}" for f in fields(event))
    return f"{type(event).__name__}({given})"


def _record(record: Record | UnreadableRecord | None) -> str:
    if record is None:
        return "nothing"
    if isinstance(record, UnreadableRecord):
        return "unreadable"
    lease = "without duration" if record.lease_duration is None else f"for {_number(record.lease_duration)}s"
    extra = f" by {record.attempt}" if record.attempt else ""
    extra += f" token {record.token}" if record.token else ""
    extra += f" asked for {record.request or 'anybody'}" if record.request is not None else ""
    extra += f" left to {record.hint}" if record.hint else ""
    for name, priority, preempt in record.contenders:
        extra += f" knowing {name}:{priority}{'!' * preempt}"
    return f"{record.holder or 'nobody'} {lease}{extra}, transitions {record.transitions}"


def _request(request: Request) -> str:
    if isinstance(request, ReadRequest):
        return f"read, knowing {request.knowing}, {_number(request.timeout)}s"
    if isinstance(request, NoteRequest):
        return f"note: v{request.base.version} with {_record(request.record)}, {_number(request.timeout)}s"
    what = f"replace v{request.base.version}" if request.base else "create"
    return f"{request.purpose.value}: {what} with {_record(request.record)}, {_number(request.timeout)}s"


class Transcript(Observer):
    """Runs commands and keeps what comes out.

    Args:
        core: makes the candidates, with the arguments of `tenure.election.Election`.
        clock: makes the clocks of their machines.

    Attributes:
        violations: what broke the safety contract, in its order.
    """

    def __init__(
        self, core: Callable[..., Core] = Election, clock: Callable[..., MachineClock] = MachineClock
    ) -> None:
        self.violations: list[str] = []
        self.world = World(*checks_of(Chronicle(), self._complain), self)
        self._core = core
        self._clock = clock
        self._lines: list[str] = []
        self._shown_states: dict[str, str] = {}

    def run(self, commands: list[str]) -> list[str]:
        """Run the commands of one block; return the lines of its output."""
        self._lines = []
        for command in commands:
            verb, *rest = command.split()
            options = dict(word.split("=", 1) for word in rest if "=" in word)
            try:
                getattr(self, "do_" + verb.replace("-", "_"))(*[w for w in rest if "=" not in w], **options)
            except RuntimeError as error:
                self._say(f"error: {error}")
            self._check_leaders()
        self._show_states()
        return self._lines

    # ---- what is shown

    def _say(self, text: str) -> None:
        self._lines.append(f"{_number(self.world.now)}s {text}")

    def said(self, candidate: Candidate, event: Event) -> None:
        self._say(f"{candidate.name}: {_event(event)}")

    def sent(self, candidate: Candidate, request: Request) -> None:
        self._say(f"{candidate.name} > {_request(request)}")

    def changed(self, change: Change) -> None:
        if change.author is None:
            self._show_store()

    def _show_store(self) -> None:
        head = self.world.store.head
        self._say(f"store v{head.version} {head.uid}: {_record(head.record)}")

    def _show_states(self) -> None:
        for candidate in self.world.candidates.values():
            timer = candidate.core.get_timer()
            when = "no timer" if timer is None else f"timer {_number(timer)}s"
            state = f"{candidate.name} is {candidate.core.state}, {when}"
            if state != self._shown_states.get(candidate.name):
                self._shown_states[candidate.name] = state
                self._say(state)

    def _check_leaders(self) -> None:
        """Show every overlap, also one that a hand may cause (rule 4)."""
        leaders = [c.name for c in self.world.candidates.values() if c.has_valid_term(self.world.now)]
        if len(leaders) > 1:
            self._say(f"TWO LEADERS: {' and '.join(leaders)}")

    def _complain(self, message: str) -> None:
        self.violations.append(message)
        self._say(f"VIOLATION: {message}")

    # ---- candidates

    def do_candidate(self, name: str, **options: str) -> None:
        """Somebody joins."""
        self.world.add(new_candidate(self._core, name, options, self._clock))

    def do_campaign(self, name: str) -> None:
        """It wants to lead."""
        self.world.call(self.world.candidates[name], "campaign")

    def do_resign(self, name: str) -> None:
        """It gives up."""
        self.world.call(self.world.candidates[name], "resign")

    def do_transfer(self, name: str, to: str = "") -> None:
        """It gives up its term for another, or for anybody."""
        self.world.transfer(self.world.candidates[name], to)

    def do_eligible(self, name: str, answer: str) -> None:
        """It may campaign and lead, ``yes`` or ``no``."""
        self.world.set_eligible(self.world.candidates[name], answer == "yes")

    def do_body_ended(self, name: str) -> None:
        """The body of its term has ended."""
        self.world.call(self.world.candidates[name], "body_ended")

    def do_refresh(self, name: str) -> None:
        """Its watch has ended."""
        self.world.call(self.world.candidates[name], "refresh")

    def do_fail(self, name: str) -> None:
        """Its driver fails."""
        self.world.call(self.world.candidates[name], "fail")

    def do_pause(self, name: str) -> None:
        """The process stands still: no timer of it fires."""
        self.world.pause(self.world.candidates[name])

    def do_crash(self, name: str) -> None:
        """The process ends at once, and with it its body; a write under way may still land."""
        self.world.crash(self.world.candidates[name])

    def do_wake(self, name: str) -> None:
        """It goes on, and what is due happens first."""
        self.world.wake(self.world.candidates[name])
        self.world.fire(self.world.candidates[name])

    def do_fire(self, name: str) -> None:
        """Its timer fires."""
        self.world.fire(self.world.candidates[name])

    def do_skew(self, name: str, rate: str) -> None:
        """The clock of its machine runs at another rate."""
        self.world.skew(self.world.candidates[name], float(rate))

    def do_suspend(self, name: str, seconds: str) -> None:
        """Its machine sleeps from now on; it wakes by the command ``wake``."""
        self.world.suspend(self.world.candidates[name], float(seconds.removesuffix("s")))

    def do_unpause(self, name: str) -> None:
        """It goes on, and something will arrive before its timer fires."""
        self.world.wake(self.world.candidates[name])

    # ---- requests

    def do_connect(self, name: str, latency: str = "0") -> None:
        """From now on its requests are answered, and it sees every change."""
        self.world.connect(self.world.candidates[name], float(latency))

    def do_disconnect(self, name: str) -> None:
        """From now on every request waits for a command."""
        self.world.disconnect(self.world.candidates[name])

    def do_apply(self, name: str, version: str = "") -> None:
        """Its request reaches the store, the answer is still on its way; an old replica answers a read."""
        candidate = self.world.candidates[name]
        self.world.apply(candidate, int(version.removeprefix("v")) if version else None)
        if isinstance(candidate.pending, WriteRequest):
            self._say("applied" if candidate.outcome else "conflict")
            self._show_store()

    def do_answer(self, name: str) -> None:
        """Its request reaches the store, if it did not yet, and the answer arrives."""
        candidate = self.world.candidates[name]
        if isinstance(candidate.pending, WriteRequest) and not candidate.applied:
            self.do_apply(name)
        self.world.deliver(candidate)

    def do_answer_unchanged(self, name: str) -> None:
        """The store accepts its write, and answers with the version that was there before."""
        candidate = self.world.candidates[name]
        candidate.applied, candidate.outcome = True, self.world.store.head
        self.world.deliver(candidate)

    def do_refuse(self, name: str, retry_after: str = "0") -> None:
        """The store says that it did not do it."""
        self.world.fail(self.world.candidates[name], refused=True, retry_after_s=float(retry_after))

    def do_lose(self, name: str, retry_after: str = "0") -> None:
        """No answer comes; a write that did not reach the store can land later."""
        self.world.fail(self.world.candidates[name], retry_after_s=float(retry_after))

    def do_conflict(self, name: str) -> None:
        """The store answers with a conflict, whatever it holds."""
        candidate = self.world.candidates[name]
        candidate.applied, candidate.outcome = True, None
        self.world.deliver(candidate)

    def do_land(self, name: str, number: str) -> None:
        """A write without an answer reaches the store at last."""
        accepted = self.world.land(self.world.candidates[name], int(number))
        self._say(f"{name}/{number} {'is accepted' if accepted else 'conflicts'}")
        self._show_store()

    def do_tell(self, name: str, version: str = "") -> None:
        """A watch event arrives: the newest version, or an older one."""
        number = int(version.removeprefix("v")) if version else self.world.store.version
        self.world.tell(self.world.candidates[name], self.world.store.history[number])

    # ---- hands that meddle

    def do_write(self, holder: str = "", lease: str = "15", keep: str = "") -> None:
        """Another program writes the record; `keep=token`: our annotations survive it."""
        old = self.world.store.head.record
        record = Record(
            holder=holder,
            lease_duration=None if lease == "none" else float(lease),
            token=old.token if keep and isinstance(old, Record) else None,
        )
        self.world.put(record)

    def do_request(self, to: str = "") -> None:
        """Somebody asks the leader to hand over, to another or to anybody."""
        self.world.request(to)

    def do_garble(self) -> None:
        """Somebody writes what cannot be decoded."""
        self.world.put(UnreadableRecord("holderIdentity is a list"))

    def do_touch(self) -> None:
        """Somebody changes other metadata."""
        self.world.touch()

    def do_delete(self) -> None:
        """Somebody deletes the object."""
        self.world.delete()

    def do_restore(self, version: str) -> None:
        """The store goes back to an older version."""
        self.world.restore(int(version.removeprefix("v")))

    # ---- time

    def do_until(self, time: str) -> None:
        """Time goes on until an hour that is named."""
        self.world.advance(float(time.removesuffix("s")), check=self._check_leaders)

    def do_advance(self, seconds: str) -> None:
        """Time goes on, and every timer fires when it is due."""
        until = self.world.now + float(seconds.removesuffix("s"))
        assert math.isfinite(until)
        self.world.advance(until, check=self._check_leaders)
