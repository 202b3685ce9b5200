"""Simulations: what ``tenure simulate`` can play: candidates over a record, and peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenure.handover import Preference
from tenure.timing import Timing

if TYPE_CHECKING:
    from tenure.testing.cluster import Cluster
    from tenure.testing.scenario import Scenario
    from tenure.testing.trial import Figures

__all__ = ["CORE", "PEER", "Simulation", "among_peers", "over_a_record"]

CORE = "tenure.election:Election"
PEER = "tenure.testing.peers.seat:new_peer"


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """One kind of it.

    Attributes:
        core: what is simulated, ``MODULE:NAME``.
        shape: what it makes has these methods.
        seconds: how long each run lasts; true time.
        measured_s: how long the run lasts that its speed is told of; true time.
        draw: returns the scenario of a seed, that lasts so many seconds.
        play: plays one, with a core.
        calm: makes a cluster of so many, with a core, to which nothing happens.
        example: arguments that a core can be called with.
        flag: that chooses it.
        has_transcripts: what is found can be written down step by step.
    """

    core: str
    shape: type
    seconds: float
    measured_s: float
    draw: Callable[..., Scenario]
    play: Callable[..., Figures]
    calm: Callable[..., Cluster]
    example: dict[str, Any] = field(repr=False)
    flag: str = ""
    has_transcripts: bool = True


def over_a_record() -> Simulation:
    """Return the simulation of candidates over a record."""
    # Imported late: --help shall not wait for it.
    from tenure.testing.cluster import Cluster
    from tenure.testing.scenario import Scenario
    from tenure.testing.trial import try_scenario
    from tenure.testing.world import Core

    example = {"incarnation": "a", "timing": Timing(), "on_missing": "create"}
    return Simulation(
        core=CORE,
        shape=Core,
        seconds=300,
        measured_s=20_000,
        draw=Scenario.random,
        play=try_scenario,
        calm=Cluster,
        example={"identity": "a", "draw": lambda: 0.5, **example},
    )


def among_peers() -> Simulation:
    """Return the simulation of peers."""
    from tenure.testing.peers.group import PeerGroup, default_electorate
    from tenure.testing.peers.scenario import PeerScenario
    from tenure.testing.peers.seat import Seat
    from tenure.testing.peers.trial import try_peers

    electorate = default_electorate("abc")
    example = {"incarnation": bytes(16), "electorate": electorate, "on_outage": None, "now": 0.0}
    example |= {"timing": Timing(lease_duration=electorate.lease), "floor": lambda: 0}
    example |= {"election": "", "drain_timeout": 6.0, "preference": Preference()}
    return Simulation(
        core=PEER,
        shape=Seat,
        seconds=60,
        measured_s=1_000,
        draw=PeerScenario.random,
        play=try_peers,
        calm=PeerGroup,
        example={"identity": "a", "draw": lambda: 0.5, **example},
        flag=" --peers",
        has_transcripts=False,
    )
