"""Recording: the steps of a simulated election, as the commands of a transcript."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from tenure.handover import Preference
from tenure.record import Record, UnreadableRecord, Versioned
from tenure.requests import ReadRequest
from tenure.testing.world import Candidate, Core, Observer, World
from tenure.timing import Timing

__all__ = ["Recording"]

_ROUNDING_S = 1e-9


class Recording:
    """Records one election of a cluster that is made with its `core` and its `world`.

    Args:
        core: makes the candidates.
    """

    def __init__(self, core: Callable[..., Core]) -> None:
        self._core = core
        self._steps: list[str] = []
        self._draws: defaultdict[str, list[float]] = defaultdict(list)

    def core(self, **options: Any) -> Core:
        """Make a candidate, and note what it draws."""
        drawn, draw = self._draws[options["incarnation"]], options["draw"]

        def noted() -> float:
            drawn.append(draw())
            return drawn[-1]

        return self._core(**{**options, "draw": noted})

    def world(self, *observers: Observer) -> World:
        """Make the world that notes its steps."""
        return _RecordingWorld(self._steps, *observers)

    @property
    def commands(self) -> list[str]:
        """The steps so far; `tenure.testing.transcript` can run them."""
        return [self._with_draws(step) if step.startswith("candidate ") else step for step in self._steps]

    def _with_draws(self, step: str) -> str:
        drawn = self._draws.get(step.split()[1])
        return f"{step} draw={','.join(map(_exactly, drawn))}" if drawn else step


class _RecordingWorld(World):
    def __init__(self, steps: list[str], *observers: Observer) -> None:
        super().__init__(*observers)
        self._steps = steps
        self._recorded_until = 0.0
        self._newcomers: set[Candidate] = set()

    def add(self, candidate: Candidate) -> None:
        options = "".join(f" {name}={value}" for name, value in self._options(candidate))
        self._record(f"candidate {candidate.name}{options}")
        if self.now > 0:
            self._newcomers.add(candidate)
        super().add(candidate)

    def call(self, candidate: Candidate, method: str) -> None:
        self._record(f"{method.replace('_', '-')} {candidate.name}")
        super().call(candidate, method)

    def transfer(self, candidate: Candidate, to: str) -> None:
        self._record(f"transfer {candidate.name} {to}".rstrip())
        super().transfer(candidate, to)

    def set_eligible(self, candidate: Candidate, eligible: bool) -> None:
        self._record(f"eligible {candidate.name} {'yes' if eligible else 'no'}")
        super().set_eligible(candidate, eligible)

    def fire(self, candidate: Candidate) -> None:
        # The offset of a clock that was skewed is known up to rounding: the timer shall be due there too.
        self._record(f"fire {candidate.name}", late_s=_ROUNDING_S if candidate in self._newcomers else 0.0)
        super().fire(candidate)

    def pause(self, candidate: Candidate) -> None:
        self._record(f"pause {candidate.name}")
        super().pause(candidate)

    def crash(self, candidate: Candidate) -> None:
        self._record(f"crash {candidate.name}")
        super().crash(candidate)

    def wake(self, candidate: Candidate) -> None:
        self._record(f"unpause {candidate.name}")
        super().wake(candidate)

    def skew(self, candidate: Candidate, rate: float) -> None:
        self._record(f"skew {candidate.name} {_exactly(rate)}")
        super().skew(candidate, rate)

    def suspend(self, candidate: Candidate, seconds: float) -> None:
        self._record(f"suspend {candidate.name} {_exactly(seconds)}s")
        candidate.clock.suspend(self.now, seconds)
        super().pause(candidate)

    def apply(self, candidate: Candidate, version: int | None = None) -> None:
        if not candidate.applied:
            is_old = version is not None and isinstance(candidate.pending, ReadRequest)
            self._record(f"apply {candidate.name}{f' v{version}' if is_old else ''}")
        super().apply(candidate, version)

    def deliver(self, candidate: Candidate) -> None:
        self._record(f"answer {candidate.name}")
        super().deliver(candidate)

    def fail(self, candidate: Candidate, *, refused: bool = False, retry_after_s: float = 0.0) -> None:
        self._record(f"{'refuse' if refused else 'lose'} {candidate.name} {_exactly(retry_after_s)}")
        super().fail(candidate, refused=refused, retry_after_s=retry_after_s)

    def land(self, candidate: Candidate, number: int) -> bool:
        self._record(f"land {candidate.name} {number}")
        return super().land(candidate, number)

    def tell(self, candidate: Candidate, seen: Versioned) -> None:
        self._record(f"tell {candidate.name} v{seen.version}")
        super().tell(candidate, seen)

    def put(self, record: Record | UnreadableRecord) -> None:
        if isinstance(record, UnreadableRecord):
            self._record("garble")
        else:
            lease = "none" if record.lease_duration is None else _exactly(record.lease_duration)
            self._record(f"write holder={record.holder} lease={lease}")
        super().put(record)

    def request(self, to: str) -> None:
        self._record(f"request {to}".rstrip())
        super().request(to)

    def touch(self) -> None:
        self._record("touch")
        super().touch()

    def delete(self) -> None:
        self._record("delete")
        super().delete()

    def restore(self, version: int) -> None:
        self._record(f"restore v{version}")
        super().restore(version)

    def _options(self, candidate: Candidate) -> Iterator[tuple[str, str]]:
        """Yield what a transcript has to be told of a candidate, apart from what it draws."""
        clock, timing = candidate.clock, candidate.timing
        usual = Timing(lease_duration=timing.lease_duration)
        if candidate.identity not in ("", candidate.name):
            yield "identity", candidate.identity
        if candidate.on_missing != "create":
            yield "on_missing", candidate.on_missing
        if candidate.preference.preempt:
            yield "preempt", "yes"
        numbers = (
            ("lease", timing.lease_duration, Timing().lease_duration),
            ("deadline", timing.renew_deadline, usual.renew_deadline),
            ("renew", timing.renew_period, usual.renew_period),
            ("retry", timing.retry_period, usual.retry_period),
            ("bound", timing.clock_rate_bound, usual.clock_rate_bound),
            ("offset", clock.local(0.0), 0.0),
            ("rate", clock.rate, 1.0),
            ("priority", candidate.preference.priority, 0),
            ("tenure", candidate.preference.minimum_tenure, Preference().minimum_tenure),
        )
        for name, value, default in numbers:
            if value != default:
                yield name, _exactly(value)

    def _record(self, command: str, *, late_s: float = 0.0) -> None:
        if self.now + late_s > self._recorded_until:
            self._recorded_until = self.now + late_s
            self._steps.append(f"until {_exactly(self._recorded_until)}s")
        self._steps.append(command)


def _exactly(value: float) -> str:
    """Write a number as short as it can be read back."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)
