"""The report of one run: what happened, what it cost, and whether it was right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import inf
from statistics import median, quantiles
from typing import Any

from tests.chaos.act import Act
from tests.chaos.candidates import Ended
from tests.chaos.judgement import CLIENT_GO, Clash, Gap, Takeover, Tenancy
from tests.chaos.nemesis import Done

__all__ = ["LONGEST_SILENCE_S", "Cost", "Report"]

LONGEST_SILENCE_S = 0.5
"""A longer time without an act counts as time without a leader."""


@dataclass(frozen=True)
class Cost:
    """What one kind of fault cost; seconds."""

    kind: str
    count: int
    takeovers: int
    median_s: float
    max_s: float


@dataclass(frozen=True)
class Report:
    """One run.

    Attributes:
        seed: of the run.
        seconds: how long faults were done.
        candidates: the kind of each by its name.
        deadline_s: the renew deadline: for so long after a fault its consequences begin.
        done: the faults that happened.
        acts: all of them.
        terms: what the acts prove of each.
        clashes: what contradicts itself.
        gaps: times without an act.
        takeovers: changes of the leader.
        ended: processes that ended by themselves.
        untimely: acts that came before their own time.
        since: boot time of the first act.
        until: boot time at which all was healed.
        has_recovered: somebody led after that, and another one when that one was killed.
        left_out: faults that cannot be done on this machine, with the reason.
        again: the command that does the same once more.
    """

    seed: int
    seconds: float
    candidates: dict[str, str]
    deadline_s: float
    done: Sequence[Done]
    acts: Sequence[Act]
    terms: Sequence[Tenancy]
    clashes: Sequence[Clash]
    gaps: Sequence[Gap]
    takeovers: Sequence[Takeover]
    ended: Sequence[Ended]
    untimely: Sequence[Act]
    since: float
    until: float
    has_recovered: bool
    left_out: Sequence[str]
    again: str

    @property
    def faults(self) -> list[str]:
        """Everything that must not be, a line each; empty: the run is green."""
        ours = [clash for clash in self.clashes if clash.is_among_ours and not clash.is_excused]
        lines = [f"among tenure's candidates: {clash}" for clash in ours]
        ended = [each for each in self.ended if each.is_fault]
        lines += [f"{each.who} ended with {each.status}: {each.last_words}" for each in ended]
        lines += [f"the clock of {act.who} is not boot time: {act}" for act in self.untimely[:1]]
        # A term is valid for D from the sending of its last accepted write, so never for longer than that.
        overlong = [act for act in self.acts if self.deadline_s < act.valid_for_s < inf]
        lines += [f"{act.who} believed in its term for too long: {act}" for act in overlong[:1]]
        if not self.takeovers:
            lines.append("nobody ever took over: nothing was tried")
        if not self.has_recovered:
            lines.append("all was healed, and nobody leads, or nobody takes over")
        return lines

    @property
    def availability(self) -> float:
        """The part of the time, from the first act to the healing, in which somebody led; 0 to 1."""
        length_s = self.until - self.since
        return 1 - sum(gap.length_s for gap in self.gaps) / length_s if length_s > 0 else 0.0

    def costs(self) -> list[Cost]:
        """Return what each kind of fault cost.

        A gap or a takeover that begins while a fault is in force, or within D after it, is put to its
        account, if the fault struck all or the one who acted last; of several such to each one's.
        """
        kinds = sorted({done.kind for done in self.done})
        return [self._cost(kind, [done for done in self.done if done.kind == kind]) for kind in kinds]

    def text(self) -> str:
        """For the terminal."""
        widths = "{:<26} {:>5} {:>10} {:>9} {:>8}"
        table = [widths.format("fault", "count", "takeovers", "median s", "max s")]
        table += [widths.format(*_cells(cost)) for cost in self.costs()]
        return "\n".join([*table, "", *self._summary()])

    def markdown(self) -> str:
        """For the documents."""
        table = ["| fault | count | takeovers | no leader, median s | max s |", "|---|--:|--:|--:|--:|"]
        table += [f"| {' | '.join(_cells(cost))} |" for cost in self.costs()]
        return "\n".join([*table, "", *(f"- {line}" for line in self._summary())])

    def as_json(self) -> dict[str, Any]:
        """Everything but the single acts."""
        parts = ("done", "clashes", "gaps", "takeovers", "ended")
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "candidates": self.candidates,
            "availability": self.availability,
            "acts": len(self.acts),
            "faults": self.faults,
            "costs": [asdict(cost) for cost in self.costs()],
            "left_out": list(self.left_out),
            "has_recovered": self.has_recovered,
            **{part: [asdict(each) for each in getattr(self, part)] for part in parts},
        }

    def _summary(self) -> Iterable[str]:
        took = sorted(each.took_s for each in self.takeovers)
        ours = [clash for clash in self.clashes if clash.is_among_ours]
        theirs = [clash.overlap_s for clash in self.clashes if not clash.is_among_ours]
        crowd = _count(self.candidates.values())
        yield f"{len(self.done)} faults in {self.seconds:g} s, seed {self.seed}, among {crowd}"
        yield f"somebody led for {100 * self.availability:.1f} % of the time; {len(self.acts)} acts"
        yield f"{len(self.terms)} terms: {_count(term.kind for term in self.terms)}"
        if took:
            p90 = quantiles(took, n=10, method="inclusive")[-1] if len(took) > 1 else took[0]
            yield f"{len(took)} takeovers, in s: median {median(took):.2f}, p90 {p90:.2f}, max {took[-1]:.2f}"
        yield f"overlaps among tenure's candidates: {sum(not clash.is_excused for clash in ours)}"
        if excused := [clash.overlap_s for clash in ours if clash.is_excused]:
            yield f"after the holder was emptied by hand: {len(excused)}, longest {max(excused):.2f} s"
        if CLIENT_GO in self.candidates.values():
            yield f"overlaps with client-go: {len(theirs)}, longest {max(theirs, default=0):.2f} s"
        if self.ended:
            yield f"processes that ended by themselves: {_count(each.kind for each in self.ended)}"
        yield from (f"left out: {line}" for line in self.left_out)
        yield f"again: {self.again}"

    def _cost(self, kind: str, done: Sequence[Done]) -> Cost:
        lost = [
            sum(gap.length_s for gap in self.gaps if self._caused(each, gap.who, gap.since)) for each in done
        ]
        takeovers = [
            each for each in self.takeovers if any(self._caused(one, each.old, each.since) for one in done)
        ]
        return Cost(kind, len(done), len(takeovers), median(lost), max(lost))

    def _caused(self, done: Done, who: str, since: float) -> bool:
        # The last act comes somewhat before the fault that ended the acting, on a busy machine.
        in_time = done.began - LONGEST_SILENCE_S <= since <= done.ended + self.deadline_s
        return in_time and done.victim in ("", who)


def _count(kinds: Iterable[str]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(Counter(kinds).items()))


def _cells(cost: Cost) -> list[str]:
    return [cost.kind, str(cost.count), str(cost.takeovers), f"{cost.median_s:.1f}", f"{cost.max_s:.1f}"]
