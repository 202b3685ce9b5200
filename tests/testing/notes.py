"""Notes: what happens in a simulated cluster, written down."""

from __future__ import annotations

from functools import partial

from tenure.events import Event, LossReason, Lost
from tenure.requests import Request
from tenure.testing.cluster import Cluster
from tenure.testing.world import Candidate, Change, Observer, World


class Notes(Observer):
    """Writes down what happens in a run."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.events: list[tuple[float, str, Event]] = []
        self.sent_at: list[tuple[float, str, Request]] = []
        self.changes: list[Change] = []
        self.bodies_ended: list[tuple[float, str]] = []

    def said(self, candidate: Candidate, event: Event) -> None:
        self.events.append((self.world.now, candidate.name, event))
        self.lines.append(f"{self.world.now!r} {candidate.name} {event}")

    def sent(self, candidate: Candidate, request: Request) -> None:
        self.sent_at.append((self.world.now, candidate.name, request))
        self.lines.append(f"{self.world.now!r} {candidate.name} {request}")

    def changed(self, change: Change) -> None:
        self.changes.append(change)
        self.lines.append(f"{self.world.now!r} {change.after}")

    def body_ended(self, candidate: Candidate) -> None:
        self.bodies_ended.append((self.world.now, candidate.name))

    def losses(self, name: str) -> list[tuple[float, LossReason]]:
        """Return when a candidate lost its terms, and why."""
        return [(at, e.reason) for at, who, e in self.events if who == name and isinstance(e, Lost)]


def led(
    candidates: int = 3, *, seed: int = 1, seconds: float = 12, **options: object
) -> tuple[Cluster, Notes, str]:
    """Return a cluster some seconds after its beginning, the notes of its run, and who leads.

    After 12 s the newest renewal was sent at 10 s: the next one is due at 15 s, and the term is over at 20 s.
    """
    notes = Notes()
    make_world = partial(observed, notes)
    cluster = Cluster(candidates, seed=seed, make_world=make_world, **options)  # type: ignore[arg-type]
    cluster.run(seconds)
    assert len(cluster.leaders()) == 1
    return cluster, notes, cluster.leader


def observed(notes: Notes, *observers: Observer) -> World:
    return World(*observers, notes)


def version(cluster: Cluster) -> int:
    return cluster.elections[0].world.store.version


def known_version(cluster: Cluster, name: str) -> int:
    newest = cluster.candidate(name).core.newest
    assert newest is not None
    return newest.version


def followers(cluster: Cluster) -> list[str]:
    return [name for name in cluster.processes if name != cluster.leader]
