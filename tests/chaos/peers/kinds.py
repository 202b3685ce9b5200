"""Kinds: every fault that can be done to peers on this machine, in an arena."""

from __future__ import annotations

from functools import partial

from tests.chaos.cpu_quota import CpuQuota, CpuQuotaUnavailableError
from tests.chaos.faults import Freeze, Kill, Starvation, Terminate
from tests.chaos.kinds import AT_ONCE, LOSING, clock_kinds, network_kinds, strike
from tests.chaos.nemesis import Kind
from tests.chaos.network import WIRE_FAULTS as WIRE
from tests.chaos.network import NetworkFault
from tests.chaos.peers.api_server import ApiServer
from tests.chaos.peers.arena import PeerArena
from tests.chaos.peers.faults import (
    EDITS,
    Amnesia,
    ApiFrozen,
    ApiRefusing,
    Deafness,
    Edit,
    Partition,
    Throttled,
)

__all__ = ["kinds_for"]

_VOTERS, _SWITCH, _API = ("voters",), ("switch",), ("API server",)


def kinds_for(arena: PeerArena) -> list[Kind]:
    """Return the kinds of faults, for this arena; what is lacking is noted there."""
    kinds = [*_of_processes(arena), *_of_the_switch(arena), *network_kinds(arena.candidates)]
    kinds += clock_kinds(arena.clocks)
    return kinds if arena.api is None else [*kinds, *_of_the_api(arena, arena.api)]


def _of_processes(arena: PeerArena) -> list[Kind]:
    # The most dangerous are the most frequent: a leader that is gone, or does not know that time has passed.
    kinds = [
        Kind(Kill.name, partial(strike, Kill), (0.1, 4), weight=3),
        Kind(Terminate.name, partial(strike, Terminate), (0.5, 3), weight=2),
        Kind(Freeze.name, partial(strike, Freeze), LOSING, weight=4),
        Kind(Amnesia.name, lambda _: Amnesia(arena.voters), (0, 1), _VOTERS, has_victim=False, weight=2),
        Kind(Starvation.name, lambda _: Starvation(), (1, 4), has_victim=False),
    ]
    try:
        CpuQuota(1).close()
    except CpuQuotaUnavailableError as error:
        arena.left_out.append(f"throttled processors: {error}")
    else:
        kinds.append(Kind(Throttled.name, partial(strike, Throttled), (1, 6)))
    return kinds


def _of_the_switch(arena: PeerArena) -> list[Kind]:
    names = [each.name for each in arena.candidates] + ["the API server"] * (arena.api is not None)

    def both(_victim: object) -> Partition:
        return Partition(arena.switch, names, one_way=False)

    def deafness(_victim: object) -> Deafness:
        return Deafness(arena.switch, names)

    def one_way(_victim: object) -> Partition:
        return Partition(arena.switch, names, one_way=True)

    return [
        Kind("partitioned", both, LOSING, _SWITCH, has_victim=False),
        Kind("partitioned, one way", one_way, LOSING, _SWITCH, has_victim=False),
        Kind(
            Deafness.name,
            lambda _: Deafness(arena.switch, names),
            LOSING,
            _SWITCH,
            has_victim=False,
            weight=2,
        ),
    ]


def _of_the_api(arena: PeerArena, api: ApiServer) -> list[Kind]:
    def make(name: str, _victim: object) -> Edit:
        return Edit(arena, name)

    def cut(_victim: object) -> NetworkFault:
        number = len(arena.candidates)
        return NetworkFault("network cut", arena.switch, number, "the API server", WIRE["network cut"])

    return [
        Kind(ApiFrozen.name, lambda _: ApiFrozen(api), LOSING, _API, has_victim=False),
        Kind(ApiRefusing.name, lambda _: ApiRefusing(api), LOSING, _API, has_victim=False),
        Kind("API server cut off", cut, LOSING, _API, has_victim=False),
        *(Kind(name, partial(make, name), AT_ONCE, _API, has_victim=False) for name in EDITS),
    ]
