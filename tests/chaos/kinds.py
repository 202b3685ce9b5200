"""Kinds: every fault that can be done on this machine, in an arena."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tests.chaos.arena import Arena
from tests.chaos.candidates import Candidate
from tests.chaos.credentials import TokenExpired, TokenRotated
from tests.chaos.faults import EDITS, Crash, Edit, Fault, Freeze, Kill, Pause, Starvation, Terminate, Twin
from tests.chaos.judgement import CLIENT_GO
from tests.chaos.nemesis import Kind
from tests.chaos.wall_clock import WallClock
from tests.cluster.server import Cluster

__all__ = ["AT_ONCE", "LOSING", "clock_kinds", "kinds_for", "network_kinds", "strike"]

AT_ONCE = 0.1, 1.0  # there is nothing to undo
LOSING = 0.3, 8.0  # long enough to lose a term, or short enough to keep it
_SERVER = ("server",)  # needs an answer of it, or keeps others from one


def kinds_for(arena: Arena) -> list[Kind]:
    """Return the kinds of faults, for this arena."""
    kinds = [*_of_processes(), *_of_servers(arena), *_of_the_record(arena)]
    return [*kinds, *network_kinds(arena.candidates), *_of_tokens(arena), *clock_kinds(arena.clocks)]


def _of_processes() -> list[Kind]:
    # The most dangerous are the most frequent: a leader that is gone, or does not know that time has passed.
    return [
        Kind(Kill.name, partial(strike, Kill), (0.2, 5), weight=3),
        Kind(Terminate.name, partial(strike, Terminate), (0.5, 4), weight=2),
        Kind(Freeze.name, partial(strike, Freeze), LOSING, weight=4),
        # client-go takes a record of its own name for its own: no term of ours is safe from that, nor theirs.
        Kind(Twin.name, partial(strike, Twin), (2, 8), spares=(CLIENT_GO,)),
        Kind(Starvation.name, lambda _: Starvation(), (1, 5), has_victim=False),
    ]


def _of_servers(arena: Arena) -> list[Kind]:
    def make(fault: Callable[[Cluster], Fault], _victim: Candidate | None) -> Fault:
        return fault(arena.cluster)

    api, etcd = partial(Pause, server="kube-apiserver"), partial(Pause, server="etcd")
    return [
        Kind("kube-apiserver frozen", partial(make, api), (0.3, 5), _SERVER, has_victim=False),
        Kind("etcd frozen", partial(make, etcd), (0.3, 5), _SERVER, has_victim=False),
        Kind(Crash.name, partial(make, Crash), (4, 8), _SERVER, has_victim=False),
    ]


def _of_the_record(arena: Arena) -> list[Kind]:
    def make(name: str, _victim: Candidate | None) -> Fault:
        return Edit(arena, name)

    # Not while a server is down: what it may still do later could not be dated.
    return [Kind(name, partial(make, name), AT_ONCE, _SERVER, has_victim=False) for name in EDITS]


def network_kinds(candidates: Sequence[Candidate]) -> list[Kind]:
    """Return the kinds of what can happen on the way from and to a candidate."""

    def make(name: str, victim: Candidate | None) -> Fault:
        assert victim is not None
        return next(fault for fault in victim.place.faults if fault.name == name)

    names = [fault.name for fault in candidates[0].place.faults]
    return [Kind(name, partial(make, name), LOSING) for name in names]


def clock_kinds(clocks: Mapping[str, WallClock]) -> list[Kind]:
    """Return the one kind of what can happen to wall clocks, if there are any, by candidate."""

    def make(victim: Candidate | None) -> Fault:
        assert victim is not None
        return clocks[victim.name]

    return [Kind(WallClock.name, make, LOSING, spares=(CLIENT_GO,))] if clocks else []


def _of_tokens(arena: Arena) -> list[Kind]:
    def make(fault: type[TokenExpired | TokenRotated], victim: Candidate | None) -> Fault:
        assert victim is not None
        return fault(arena.tokens[victim.name], victim.name)

    return [
        Kind(TokenExpired.name, partial(make, TokenExpired), LOSING, _SERVER),
        Kind(TokenRotated.name, partial(make, TokenRotated), AT_ONCE, _SERVER),
    ]


def strike(fault: Callable[[Candidate], Fault], victim: Candidate | None) -> Fault:
    """Make a fault that has a victim."""
    assert victim is not None
    return fault(victim)
