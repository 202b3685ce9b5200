"""Pairs: elections of two candidates each, a leader and a follower that is settled."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bench import KINDS, Bench
from benchmarks.subjects import Subject

__all__ = ["Pair", "start_pairs", "wait_until_following"]

_FOLLOWING_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Pair:
    """One election: `name` is that of the Lease."""

    name: str
    leader: Subject
    follower: Subject

    def next_leader_at(self, after: float, timeout_s: float = 60) -> float:
        """Wait until either of the two begins to lead after a boot time, return when; ``inf``: never."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            begun = [
                seen["boottime"]
                for subject in (self.leader, self.follower)
                for seen in subject.seen("started", after)
            ]
            if begun:
                return float(min(begun))
            time.sleep(0.005)
        return float("inf")


def wait_until_following(follower: Subject, kind: str) -> None:
    """Wait until the follower has seen the record."""
    follower.wait_for("observed" if kind == "tenure" else "leader", timeout_s=_FOLLOWING_TIMEOUT_S)


def start_pairs(
    bench: Bench,
    kind: str,
    namespace: str,
    count: int,
    *,
    lease_duration_s: float = 15,
    kubeconfig: Callable[[str], Path] | None = None,
    **options: Any,
) -> Sequence[Pair]:
    """Start `count` elections of two candidates of one kind, and wait until all are settled.

    Args:
        bench: starts them.
        kind: a key of `KINDS`.
        namespace: of their Leases.
        count: of elections.
        lease_duration_s: the other durations follow in the ratio of the defaults.
        kubeconfig: returns the file for the candidate of an identity; None: the administrator's for all.
        options: further ones of the candidates.
    """

    def start(name: str, role: str) -> Subject:
        identity = f"{name}-{role}"
        file = kubeconfig(identity) if kubeconfig else bench.cluster.admin_kubeconfig
        return bench.start(
            KINDS[kind](file, namespace, name, identity, lease_duration_s=lease_duration_s, **options)
        )

    names = [f"{kind}-{number}" for number in range(count)]
    leaders = [start(name, "a") for name in names]
    for leader in leaders:
        leader.wait_for("started")
    followers = [start(name, "b") for name in names]
    for follower in followers:
        wait_until_following(follower, kind)
    bench.settle(1.0)
    return [Pair(*each) for each in zip(names, leaders, followers, strict=True)]
