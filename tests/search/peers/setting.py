"""Setting: who takes part in a search of the peers' lease, and what may happen how often."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from tenure.peer.acceptor import Acceptor
from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.proposer import Proposer

__all__ = ["THREE", "Change", "Rule", "Setting"]

THREE = Electorate(voters=("v0", "v1", "v2"))


class Rule(StrEnum):
    """What is checked in every state."""

    ONE_OWNER = "at most one proposer owns the lease"
    TOKENS = "the rounds of successive terms rise"


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of voters, from epoch 0 to epoch 1.

    Attributes:
        to: the electorate of epoch 1, with the previous voters.
        joint: whether both majorities count, until the epoch before is over; else there is no such phase.
        wait: ticks from when a majority of the old voters has left until they do not count any more.
        starts: in which phase each candidate starts: 0 old, 1 joint, 2 alone.
        complete: at the start a majority of the old voters has left already, and was waited for.
        forgets: a voter that restarts is in epoch 0 again.
    """

    to: Electorate
    joint: bool = True
    wait: int = 2
    starts: tuple[int, ...] = (0, 1)
    complete: bool = False
    forgets: bool = False

    @property
    def leaving(self) -> tuple[str, ...]:
        """A majority of the old voters: those who have left at the start, if it is complete then."""
        return self.to.previous[: len(self.to.previous) // 2 + 1]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One search. Times are in ticks, and clocks are true.

    Attributes:
        acceptor: what the voters are.
        proposer: what the candidates are.
        voters: their electorate; with a change: that of epoch 0.
        copies: of the first voter, all alive: more than one breaks an assumption.
        leases: T, by candidate.
        silence: M, for which a voter is silent after a restart.
        longest_grant: the longest lease that it grants.
        rounds: the highest round that anybody tries. A try may have any round above the candidate's last,
            as if it had heard of any round of others, and of any time.
        prepares: tries, by candidate.
        script: the very rounds of the tries, by candidate; None: any.
        releases: by candidate.
        rebirths: restarts, by candidate: with the same name, and nothing remembered.
        same_incarnation: a candidate that restarts has the incarnation that it had.
        restarts: of voters, in all.
        ticks: of the clock; None: no bound, since only the ages of what still counts are states.
        recalls: a voter that has restarted takes part only when it has learnt the highest round of all
            others.
        change: of the voters.
        rules: that are checked.
        drops_demands: datagrams to voters are left out when they can change nothing any more: by the rules of
            the production code. Voters with other rules need all.
        drops_answers: the same for datagrams to candidates.
    """

    acceptor: type[Acceptor] = Acceptor
    proposer: type[Proposer] = Proposer
    voters: Electorate = THREE
    copies: int = 1
    leases: tuple[int, ...] = (2, 2)
    silence: int = 2
    longest_grant: int = 2
    rounds: int = 3
    prepares: tuple[int, ...] = (2, 2)
    script: tuple[tuple[int, ...], ...] | None = None
    releases: tuple[int, ...] = (0, 0)
    rebirths: tuple[int, ...] = (0, 0)
    same_incarnation: bool = False
    restarts: int = 0
    ticks: int | None = None
    recalls: bool = False
    change: Change | None = None
    rules: tuple[Rule, ...] = (Rule.ONE_OWNER,)
    drops_demands: bool = True
    drops_answers: bool = True

    @cached_property
    def phases(self) -> tuple[Electorate, ...]:
        """The electorates that follow each other."""
        if self.change is None:
            return (self.voters,)
        joint = (self.change.to,) if self.change.joint else ()
        return (self.voters, *joint, self.change.to.alone())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of all voters, one for each live process."""
        everyone = dict.fromkeys(name for phase in self.phases for name in phase.everyone)
        return (self.voters.voters[0],) * (self.copies - 1) + tuple(everyone)

    @cached_property
    def candidates(self) -> str:
        """The names of the candidates, one letter each."""
        return "abc"[: len(self.leases)]

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Voters, by position, that differ in nothing but their names."""
        kinds: dict[object, list[int]] = {}
        for position, name in enumerate(self.names):
            votes = [(name in phase.voters, name in phase.previous) for phase in self.phases]
            copy = position if self.names.count(name) > 1 else None
            has_left = self.change is not None and self.change.complete and name in self.change.leaving
            kinds.setdefault((tuple(votes), copy, has_left), []).append(position)
        return tuple(tuple(kind) for kind in kinds.values())

    @cached_property
    def are_alike(self) -> bool:
        """Whether candidates differ in nothing but their names."""
        budgets = [self.leases, self.prepares, self.releases, self.rebirths]
        starts = [self.change.starts] if self.change else []
        return self.script is None and all(len(set(each)) == 1 for each in [*budgets, *starts])

    def position_of(self, ballot: Ballot) -> int:
        """Return the position of the candidate that has made a ballot."""
        return ballot.proposer[0] - ord("a")
