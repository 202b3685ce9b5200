"""PeerScenario: what happens to simulated peers, drawn from a seed or written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tenure.peer.electorate import Electorate
from tenure.peer.registration import OnOutage
from tenure.testing.machine import MachineClock
from tenure.testing.peers.draw import Breach, Draw
from tenure.testing.peers.group import PeerGroup, default_electorate
from tenure.testing.peers.seat import new_peer
from tenure.testing.peers.world import PeerWorld
from tenure.testing.scenario import Scenario
from tenure.testing.world import Core, World

__all__ = ["BROKEN_BY_A_BREACH", "PeerScenario"]

BROKEN_BY_A_BREACH = frozenset({"two valid terms", "lost for nothing"})
"""What may happen then."""
_ROUNDS_BY_A_BREACH = {
    "tokens do not rise",
    "the fence refuses the newest term",
    "the fence lets an older term write",
}


@dataclass(frozen=True, kw_only=True)
class PeerScenario(Scenario):
    """Members, and what happens to them.

    Attributes:
        electorate: at the beginning.
        on_outage: of hybrid mode; None: peers alone.
        names_known: discovery tells names.
        wall_error_s: by how much wall clocks differ from true time at most, in seconds.
        breach: which assumption is broken.
    """

    electorate: Electorate = field(default_factory=lambda: default_electorate("abc"))
    on_outage: OnOutage | None = None
    names_known: bool = True
    wall_error_s: float = 0.0
    breach: Breach = ""

    def __str__(self) -> str:
        voters, mode = ", ".join(self.electorate.voters), f"hybrid, on_outage={self.on_outage!r}"
        head = [
            f"seed {self.seed}, {'peers alone' if self.on_outage is None else mode}",
            f"voters {voters}, T {self.electorate.lease:g}s, M {self.electorate.longest_lease:g}s",
            f"wall clocks within {self.wall_error_s:g}s, discovery tells "
            + ("names and addresses" if self.names_known else "addresses"),
        ]
        return "\n".join([*head, *map(str, self.members), *map(str, self.acts)])

    def cluster(
        self,
        *,
        core: Callable[..., Core] = new_peer,
        clock: Callable[..., MachineClock] = MachineClock,
        make_world: Callable[..., World] = PeerWorld,
        strict: bool = True,
    ) -> PeerGroup:
        """Return the group in which it is to be played."""
        tolerated = BROKEN_BY_A_BREACH if self.breach else frozenset()
        if self.breach and self.on_outage is None:
            tolerated |= _ROUNDS_BY_A_BREACH
        group = PeerGroup(
            0,
            seed=self.seed,
            electorate=self.electorate,
            on_outage=self.on_outage,
            names_known=self.names_known,
            wall_error_s=self.wall_error_s,
            core=core,
            clock=clock,
            make_world=make_world,
            strict=strict,
            tolerated=tolerated,
        )
        self.populate(group)
        return group

    @classmethod
    def random(
        cls, seed: int, *, seconds: float = 60.0, hybrid: bool | None = None, breach: Breach = ""
    ) -> PeerScenario:
        """Draw a scenario: who takes part, and what happens to them.

        Args:
            seed: of the draw.
            seconds: how long it lasts, true time.
            hybrid: None: that is drawn as well.
            breach: which assumption is broken.
        """
        drawn = Draw(seed, seconds, hybrid=hybrid, breach=breach)
        return cls(
            seed,
            drawn.members,
            drawn.acts,
            seconds=seconds,
            electorate=drawn.electorate,
            on_outage=drawn.on_outage,
            names_known=drawn.names_known,
            wall_error_s=drawn.wall_error_s,
            breach=breach,
        )
