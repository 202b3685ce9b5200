"""Kinds: every fault that can be done on this machine, in an arena."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.chaos.arena import Arena
from tests.chaos.candidates import Candidate
from tests.chaos.credentials import TokenExpired, TokenRotated
from tests.chaos.faults import EDITS, Crash, Edit, Fault, Freeze, Kill, Pause, Starvation, Terminate, Twin
from tests.chaos.judgement import CLIENT_GO
from tests.chaos.nemesis import Kind
from tests.chaos.wall_clock import WallClock
from tests.cluster.server import Cluster

__all__ = ["kinds_for"]

_AT_ONCE = 0.1, 1.0  # there is nothing to undo
_LOSING = 0.3, 8.0  # long enough to lose a term, or short enough to keep it
_SERVER = ("server",)  # needs an answer of it, or keeps others from one


def kinds_for(arena: Arena) -> list[Kind]:
    """Return the kinds of faults, for this arena."""
    kinds = [*_of_processes(), *_of_servers(arena), *_of_the_record(arena), *_of_the_network(arena)]
    kinds += _of_tokens(arena)
    if arena.clocks:
        spared = (CLIENT_GO,)
        kinds.append(Kind(WallClock.name, partial(_step, arena), _LOSING, spares=spared))
    return kinds


def _of_processes() -> list[Kind]:
    # The most dangerous are the most frequent: a leader that is gone, or does not know that time has passed.
    return [
        Kind(Kill.name, partial(_strike, Kill), (0.2, 5), weight=3),
        Kind(Terminate.name, partial(_strike, Terminate), (0.5, 4), weight=2),
        Kind(Freeze.name, partial(_strike, Freeze), _LOSING, weight=4),
        # client-go takes a record of its own name for its own: no term of ours is safe from that, nor theirs.
        Kind(Twin.name, partial(_strike, Twin), (2, 8), spares=(CLIENT_GO,)),
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
    return [Kind(name, partial(make, name), _AT_ONCE, _SERVER, has_victim=False) for name in EDITS]


def _of_the_network(arena: Arena) -> list[Kind]:
    def make(name: str, victim: Candidate | None) -> Fault:
        assert victim is not None
        return next(fault for fault in victim.place.faults if fault.name == name)

    names = [fault.name for fault in arena.candidates[0].place.faults]
    return [Kind(name, partial(make, name), _LOSING) for name in names]


def _of_tokens(arena: Arena) -> list[Kind]:
    def make(fault: type[TokenExpired | TokenRotated], victim: Candidate | None) -> Fault:
        assert victim is not None
        return fault(arena.tokens[victim.name], victim.name)

    return [
        Kind(TokenExpired.name, partial(make, TokenExpired), _LOSING, _SERVER),
        Kind(TokenRotated.name, partial(make, TokenRotated), _AT_ONCE, _SERVER),
    ]


def _strike(fault: type[Kill | Terminate | Freeze | Twin], victim: Candidate | None) -> Fault:
    assert victim is not None
    return fault(victim)


def _step(arena: Arena, victim: Candidate | None) -> Fault:
    assert victim is not None
    return arena.clocks[victim.name]
