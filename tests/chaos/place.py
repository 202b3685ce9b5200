"""A place for a candidate on this machine as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Place"]


@dataclass(frozen=True)
class Place:
    """Where a candidate runs.

    Attributes:
        kubeconfig: leads to the API server.
        command_prefix: what its command is run with.
        environment: what is added to its environment.
    """

    kubeconfig: Path
    command_prefix: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
