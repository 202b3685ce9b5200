"""Ambush: something that happens right after the next write or message of a kind, when it hurts most."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tenure.requests import Purpose

__all__ = ["WRITER", "Ambush"]

WRITER = "the writer"  # in the place of a name: the process whose write or message it was


@dataclass(frozen=True)
class Ambush:
    """What happens, and after what.

    Attributes:
        purpose: of the write; or, among peers, the name of a message, such as ``Accept``.
        verb: the name of a method of `tenure.testing.cluster.Cluster`, or of a ``PeerGroup``.
        delay_s: so long after that.
        options: the method's arguments.
    """

    purpose: Purpose | str
    verb: str
    delay_s: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    def options_for(self, writer: str) -> dict[str, Any]:
        """Return the arguments, once it is known whose write or message it was."""
        return {key: writer if value == WRITER else value for key, value in self.options.items()}
