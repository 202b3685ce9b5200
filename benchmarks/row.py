"""Row: one line of results, with the samples that it is made of."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Row"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one measure found about one subject.

    Attributes:
        measure: its name on the command line.
        subject: ``tenure``, or what it is compared with: ``client-go``, ``democracy.js``.
        what: what was counted, from where to where.
        unit: ``us``, ``ms``, ``s``, ``MiB``, ``1/s``, ``1/h``, ``ms/s``, ``count`` or ``ratio``.
        values: the samples, in the order in which they were taken.
        at_most: the target; None: the row is there for comparison.
        judged: what the target binds, the median or every sample.
        note: what a reader must know.
    """

    measure: str
    subject: str
    what: str
    unit: str
    values: list[float]
    at_most: float | None = None
    judged: Literal["median", "max"] = "median"
    note: str = ""

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """``met``, ``MISSED`` or ``no samples``; empty where there is no target."""
        if not self.values:
            return "no samples"
        if self.at_most is None:
            return ""
        found = self.median if self.judged == "median" else max(self.values)
        return "met" if found <= self.at_most else "MISSED"

    @property
    def target(self) -> str:
        """The target for people, such as ``median <= 10``."""
        return "" if self.at_most is None else f"{self.judged} <= {self.at_most:g}"

    def as_dict(self) -> dict[str, Any]:
        """Return everything for the JSON file."""
        found = (
            {
                "median": _finite(self.median),
                "min": _finite(min(self.values)),
                "max": _finite(max(self.values)),
            }
            if self.values
            else {}
        )
        return {
            "measure": self.measure,
            "subject": self.subject,
            "what": self.what,
            "unit": self.unit,
            "n": len(self.values),
            **found,
            "target": self.target,
            "verdict": self.verdict,
            "note": self.note,
            "values": [_finite(value) for value in self.values],
        }


def _finite(value: float) -> float | None:
    """JSON has no infinity: what never happened is null there."""
    return value if math.isfinite(value) else None
