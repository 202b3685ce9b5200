"""Onlookers: what every peer believes of the others, and what was sent."""

from __future__ import annotations

from collections import Counter

from tenure.events import Event, LeaderChanged, MemberAdded, MemberRemoved
from tenure.peer.membership import Address
from tenure.peer.messages import Envelope
from tenure.testing.peers.world import PeerObserver
from tenure.testing.world import Candidate

__all__ = ["Onlookers"]


class Onlookers(PeerObserver):
    """Takes in what peers tell their programs.

    Attributes:
        views: by candidate, the last that it told of who leads.
        members: by candidate, who is there as it told.
        packets: sent, by name of the candidate.
        kinds: of messages sent.
    """

    def __init__(self) -> None:
        self.views: dict[Candidate, LeaderChanged] = {}
        self.members: dict[Candidate, set[str]] = {}
        self.reset()

    def reset(self) -> None:
        """Count anew."""
        self.packets: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()

    def posted(self, candidate: Candidate, address: Address, envelope: Envelope) -> None:
        self.packets[candidate.name] += 1
        self.kinds[type(envelope.body).__name__] += 1

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, LeaderChanged):
            self.views[candidate] = event
        elif isinstance(event, MemberAdded):
            self.members.setdefault(candidate, set()).add(event.member)
        elif isinstance(event, MemberRemoved):
            self.members.setdefault(candidate, set()).discard(event.member)
