"""Kinds: every fault that can be done on this machine."""

from __future__ import annotations

from functools import partial

from tests.chaos.arena import Arena
from tests.chaos.candidates import Candidate
from tests.chaos.faults import EDITS, Crash, Edit, Fault, Freeze, Kill, Pause, Starvation, Terminate
from tests.chaos.nemesis import Kind

__all__ = ["kinds_for"]

_EDITED = 0.1, 1.0  # nothing is undone


def kinds_for(arena: Arena) -> list[Kind]:
    """Return the kinds of faults, for this arena."""
    return [*_of_processes(), *_of_servers(arena), *_of_the_record(arena)]


def _of_processes() -> list[Kind]:
    def against(fault: type[Kill | Terminate | Freeze], victim: Candidate | None) -> Fault:
        assert victim is not None
        return fault(victim)

    return [
        Kind(Kill.name, partial(against, Kill), (0.2, 5)),
        Kind(Terminate.name, partial(against, Terminate), (0.5, 4)),
        Kind(Freeze.name, partial(against, Freeze), (0.3, 8)),
        Kind(Starvation.name, lambda _: Starvation(), (1, 5), ("processor",)),
    ]


def _of_servers(arena: Arena) -> list[Kind]:
    cluster = arena.cluster
    return [
        Kind("kube-apiserver frozen", lambda _: Pause(cluster, "kube-apiserver"), (0.3, 5), ("server",)),
        Kind("etcd frozen", lambda _: Pause(cluster, "etcd"), (0.3, 5), ("server",)),
        Kind(Crash.name, lambda _: Crash(cluster), (0.1, 2), ("server",)),
    ]


def _of_the_record(arena: Arena) -> list[Kind]:
    # Not while a server is down: what it may still do later could not be dated.
    concerns = ("record", "server")
    return [Kind(name, lambda _, name=name: Edit(arena, name), _EDITED, concerns) for name in EDITS]  # type: ignore[misc]
