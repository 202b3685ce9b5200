"""Parts: a voter, a candidate, and what becomes of each by one step, by the production code.

Used by the plain search, by the fast one and by transcripts, so that a step means one thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tenure.peer.acceptor import Acceptor, Answer, Demand
from tenure.peer.proposer import Proposer
from tests.search.peers.setting import Rule, Setting

__all__ = ["Candidate", "Parts", "Rest", "Sent", "Told", "Voter"]


class Sent(NamedTuple):
    """A datagram to a voter.

    Attributes:
        demand: what is wanted.
        epoch: of the sender's electorate.
    """

    demand: Demand
    epoch: int


class Told(NamedTuple):
    """A datagram to a candidate.

    Attributes:
        answer: what is said.
        incarnation: of the voter.
    """

    answer: Answer
    incarnation: bytes


class Voter(NamedTuple):
    """A live process that votes. Incarnations count its starts: only those of one voter are ever compared.

    Attributes:
        acceptor: as it is.
        is_ready: it takes part: it has learnt after its restart what it has to.
    """

    acceptor: Acceptor
    is_ready: bool = True


class Candidate(NamedTuple):
    """A live process that campaigns.

    Attributes:
        proposer: as it is.
        prepares: how many tries it may still begin.
        releases: how often it may still give its lease up.
        rebirths: how often it may still restart.
        phase: of the electorate that it knows.
    """

    proposer: Proposer
    prepares: int
    releases: int
    rebirths: int
    phase: int


class Rest(NamedTuple):
    """What belongs to nobody.

    Attributes:
        restarts: of voters that may still be.
        ticks: that may still be; None: no bound.
        top: the highest round of all terms so far, if it is looked at.
        left_for: ticks since a majority of the old voters has left, up to those that are waited; -1: it has
            not.
    """

    restarts: int
    ticks: int | None
    top: int
    left_for: int


class Parts:
    """What can become of voters and candidates.

    Args:
        setting: of the search.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    # ---- at the start

    def voter(self, position: int) -> Voter:
        """Return a voter that has been silent for long enough."""
        given, change = self._setting, self._setting.change
        started = bytes([9 if position < given.copies - 1 else 0])
        has_left = change is not None and change.complete and given.names[position] in change.leaving
        return Voter(given.acceptor(started, 0, given.longest_grant, int(has_left)))

    def candidate(self, position: int) -> Candidate:
        """Return a candidate that has just started."""
        given = self._setting
        proposer = given.proposer(f"{given.candidates[position]}0".encode(), given.leases[position])
        phase = given.change.starts[position] if given.change else 0
        budgets = given.prepares[position], given.releases[position], given.rebirths[position]
        return Candidate(proposer, *budgets, phase)

    def rest(self) -> Rest:
        """Return what nobody has at the start."""
        given = self._setting
        is_over = given.change is not None and given.change.complete
        return Rest(given.restarts, given.ticks, 0, given.change.wait if is_over else -1)

    # ---- a voter

    def receive(self, voter: Voter, sent: Sent, now: int) -> tuple[Voter, Told | None]:
        """A datagram reaches a voter: return what it becomes and says."""
        if not voter.is_ready:
            return voter, None
        acceptor, answer = voter.acceptor.receive(sent.demand, now, epoch=sent.epoch)
        told = None if answer is None else Told(answer, acceptor.incarnation)
        return voter._replace(acceptor=acceptor), told

    def restarted(self, voter: Voter, now: int) -> Voter:
        """A voter's process dies and starts again, and remembers nothing but its electorate."""
        given, old = self._setting, voter.acceptor
        epoch = 0 if given.change and given.change.forgets else old.epoch
        started = bytes([old.incarnation[0] + 1])
        fresh = given.acceptor(started, now + given.silence, given.longest_grant, epoch)
        return Voter(fresh, is_ready=not given.recalls)

    def recalled(self, voter: Voter, others: list[Voter], now: int) -> Voter | None:
        """A voter learns the highest round from all others; None: it cannot."""
        if voter.is_ready or now >= voter.acceptor.silent_until:
            return None
        if any(not other.is_ready or now < other.acceptor.silent_until for other in others):
            return None
        highest = max(other.acceptor.promised.round for other in others)
        return Voter(voter.acceptor.recall(highest, now))

    def adopted(self, name: str, voter: Voter, rest: Rest) -> Voter | None:
        """A voter is told of the new electorate; None: it knows of it, or nobody need know.

        Whoever does not know yet takes part in all that those can who know, and more. So it is enough that a
        majority of the old voters may know, for which the others wait.
        """
        change = self._setting.change
        if change is None or voter.acceptor.epoch or rest.left_for >= 0 or name not in change.to.previous:
            return None
        return voter._replace(acceptor=voter.acceptor._replace(epoch=1))

    # ---- a candidate

    def hear(
        self, candidate: Candidate, name: str, told: Told, now: int
    ) -> tuple[Candidate, list[tuple[str, Sent]]]:
        """A datagram reaches a candidate: return what it becomes, and what it sends to whom."""
        electorate = self._setting.phases[candidate.phase]
        proposer, proposals = candidate.proposer.receive(name, told.incarnation, told.answer, now, electorate)
        sent = [(to, Sent(proposal, electorate.epoch)) for to, proposal in proposals]
        return candidate._replace(proposer=proposer), sent

    def rounds(self, candidate: Candidate) -> range:
        """Return the rounds that a candidate may try now."""
        given = self._setting
        if not candidate.prepares:
            return range(0)
        if given.script is None:
            return range(candidate.proposer.highest + 1, given.rounds + 1)
        number = given.script[candidate.proposer.incarnation[0] - ord("a")][-candidate.prepares]
        return range(number, number + 1)

    def prepare(self, candidate: Candidate, number: int, now: int) -> tuple[Candidate, Sent]:
        """A candidate begins a try: return what it becomes, and what all its voters are sent."""
        proposer, demand = candidate.proposer.prepare(now, floor=number - 1)
        after = candidate._replace(proposer=proposer, prepares=candidate.prepares - 1)
        return after, Sent(demand, self._setting.phases[candidate.phase].epoch)

    def release(self, candidate: Candidate) -> tuple[Candidate, list[Sent]] | None:
        """A candidate gives up all it has: return what it becomes, and what all its voters are sent."""
        if not candidate.releases:
            return None
        proposer, demands = candidate.proposer.release()
        if not demands:
            return None
        epoch = self._setting.phases[candidate.phase].epoch
        after = candidate._replace(proposer=proposer, releases=candidate.releases - 1)
        return after, [Sent(demand, epoch) for demand in demands]

    def reborn(self, candidate: Candidate) -> Candidate | None:
        """A candidate's process dies and starts again, and remembers nothing."""
        if not candidate.rebirths:
            return None
        old, started = candidate.proposer, candidate.proposer.incarnation
        if not self._setting.same_incarnation:
            started = f"{chr(started[0])}{int(started[1:]) + 1}".encode()
        fresh = self._setting.proposer(started, old.lease)
        return candidate._replace(proposer=fresh, rebirths=candidate.rebirths - 1)

    def phases(self, candidate: Candidate, rest: Rest) -> Iterator[int]:
        """Yield the phases into which a candidate can go."""
        change, last = self._setting.change, len(self._setting.phases) - 1
        if change is not None:
            for phase in range(candidate.phase + 1, last + 1):
                if phase < last or not change.joint or rest.left_for == change.wait:
                    yield phase

    def owns(self, candidate: Candidate, now: int) -> bool:
        """Tell whether a candidate owns the lease: for as long as is allowed at most."""
        return candidate.proposer.owns(now, validity=candidate.proposer.lease)

    # ---- all

    def left(self, rest: Rest, voters: list[Voter]) -> Rest:
        """Note whether a majority of the old voters has left their epoch."""
        given = self._setting
        if given.change is None or rest.left_for >= 0:
            return rest
        names = [name for name, each in zip(given.names, voters, strict=True) if each.acceptor.epoch]
        return rest._replace(left_for=0) if given.change.to.has_left(names) else rest

    def later(self, rest: Rest) -> Rest | None:
        """A tick passes; None: there are no more."""
        change = self._setting.change
        if rest.ticks is not None:
            if not rest.ticks:
                return None
            rest = rest._replace(ticks=rest.ticks - 1)
        if change and 0 <= rest.left_for < change.wait:
            rest = rest._replace(left_for=rest.left_for + 1)
        return rest

    def term(self, before: Candidate, after: Candidate, now: int) -> int:
        """Return the round that a candidate has just got the lease with; 0: it has not, or had it already."""
        owned = after.proposer.owned
        if owned is None or self.owns(before, now) or not self.owns(after, now):
            return 0
        return owned.round

    def noted(self, rest: Rest, term: int) -> tuple[Rest, bool]:
        """Note the round of a term that has just begun, if it is looked at.

        Returns:
            what is noted then, and whether a term before had as high a round.
        """
        if not term or Rule.TOKENS not in self._setting.rules:
            return rest, False
        return rest._replace(top=term), term <= rest.top
