"""Peers as candidates: what they are told, and what they keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.chaos.candidates import Candidate, Rules

__all__ = ["PeerCandidate", "PeerRules"]


@dataclass(frozen=True, kw_only=True)
class PeerRules(Rules):
    """What all peers of the election are told beside the durations, which are short; see `Options`."""

    lease_duration: float = 1.5
    renew_deadline: float = 1.0
    renew_period: float = 0.5
    retry_period: float = 0.2
    peers: str
    peers_secret: Path
    peers_voters: str
    peers_alone: bool
    store: Path | None


class PeerCandidate(Candidate):
    """A candidate among peers, as a Pod of a StatefulSet."""

    def rename(self) -> None:
        """Its successor has its name: voters are known by theirs."""
