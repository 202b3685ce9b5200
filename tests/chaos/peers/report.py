"""The report of a run among peers: beside the common part, what became of tokens and of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.chaos.judgement import Tenancy
from tests.chaos.report import Report
from tests.chaos.store import Write, late_writes

__all__ = ["PeersReport", "falls"]


@dataclass(frozen=True, kw_only=True)
class PeersReport(Report):
    """One run of one mode.

    Attributes:
        hybrid: with an API server and a fenced store.
        falls: terms whose token was not above that of all terms before. Must not be in hybrid mode; else
            tokens go by wall clocks once all peers have forgotten the last one, and these were stepped.
        accepted: the writes that the store took, in that order.
        refused: those that its fence refused.
    """

    hybrid: bool
    falls: Sequence[Tenancy]
    accepted: Sequence[Write]
    refused: Sequence[Write]

    @property
    def faults(self) -> list[str]:
        """Everything that must not be, a line each; empty: the run is green."""
        lines = super().faults
        if self.hybrid:
            lines += [f"the token did not rise: {term}" for term in self.falls]
            lines += [f"written after a later term: {write}" for write in late_writes(self.accepted)]
            if not self.accepted:
                lines.append("nobody wrote anything: the fence was not tried")
            if not self.refused:
                lines.append("the fence refused nobody: it was not tried")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Everything but the single acts and accepted writes."""
        return {
            **super().as_json(),
            "hybrid": self.hybrid,
            "falls": [asdict(each) for each in self.falls],
            "accepted": len(self.accepted),
            "refused": [asdict(each) for each in self.refused],
        }

    def _summary(self) -> Iterable[str]:
        yield "with an API server" if self.hybrid else "peers alone"
        yield from super()._summary()
        yield f"terms whose token did not rise: {len(self.falls)}"
        if self.hybrid:
            late = late_writes(self.accepted)
            yield f"{len(self.accepted)} writes; after those of a later term: {len(late)}"
            yield f"refused by the fence: {len(self.refused)}"


def falls(terms: Sequence[Tenancy]) -> list[Tenancy]:
    """Return the terms whose token is not above those of all that had begun before."""
    found: list[Tenancy] = []
    highest = -1
    for term in terms:
        assert term.token is not None
        if term.token <= highest:
            found.append(term)
        highest = max(highest, term.token)
    return found
