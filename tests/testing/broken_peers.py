"""Peers that are broken on purpose, one sentence each: production code with a few lines changed."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from tenure.peer.acceptor import Acceptor, Answer, Demand
from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.lease import LeaderLease
from tenure.peer.messages import Propose, Released
from tenure.peer.node import PeerNode
from tenure.peer.proposer import Proposer
from tenure.peer.registered_node import RegisteredNode
from tenure.peer.registration import OnOutage
from tenure.states import IN_TERM, State
from tenure.testing.peers.seat import Seat

__all__ = ["build"]


def build(broken: type, *, electorate: Electorate, on_outage: OnOutage | None, **options: Any) -> Seat:
    """Return a peer with `broken` in the place of the production class that it is derived from.

    Raises:
        TypeError: it is derived from no part of a peer.
    """
    kind: type[PeerNode] = PeerNode if on_outage is None else RegisteredNode
    if on_outage is not None:
        options["on_outage"] = on_outage
    if issubclass(broken, RegisteredNode):
        kind = broken if on_outage is not None else kind
    elif issubclass(broken, PeerNode):
        kind = type(broken.__name__, (broken, kind), {})
    elif issubclass(broken, Electorate):
        electorate = broken(**asdict(electorate))
    node = kind(electorate=electorate, **options)
    if issubclass(broken, LeaderLease):
        node.lease = broken(node.identity, node.incarnation, electorate, options["floor"], options["now"])
    elif issubclass(broken, Acceptor):
        node.lease.acceptor = node.lease.acceptor and broken(*node.lease.acceptor)
    elif issubclass(broken, Proposer):
        node.lease.proposer = broken(*node.lease.proposer)
    elif not issubclass(broken, PeerNode | Electorate):
        raise TypeError(f"{broken.__name__} is derived from no part of a peer")
    return Seat(node, electorate)


# ---- voters


class NeverSilent(Acceptor):
    """A voter that has restarted grants at once, though it has forgotten what it had granted."""

    def receive(self, demand: Demand, now: float, *, epoch: int) -> tuple[Any, Answer | None]:
        return super(NeverSilent, self._replace(silent_until=-math.inf)).receive(demand, now, epoch=epoch)


class ReleasesAnything(Acceptor):
    """A release frees whatever is held: one that comes late frees a successor."""

    def _release(self, ballot: Ballot) -> tuple[Any, Answer]:
        return self._without_lease(), Released(ballot)


class PromisesWhatIsHeld(Acceptor):
    """A higher ballot is promised and accepted though another holds the lease."""

    def _prepare(self, ballot: Ballot, now: float) -> tuple[Any, Answer]:
        return super(PromisesWhatIsHeld, self._without_lease())._prepare(ballot, now)


class CountsHalf(Acceptor):
    """A voter takes a lease for over when half of it has passed."""

    def _accept(self, proposal: Propose, now: float) -> tuple[Any, Answer]:
        after, answer = super()._accept(proposal, now)
        return after._replace(accepted_until=now + proposal.lease / 2), answer


# ---- proposers


class CountsFromPropose(Proposer):
    """A term counts from the sending of PROPOSE: the time until the promises is added to it."""

    def receive(
        self, voter: str, incarnation: bytes, answer: Answer, now: float, electorate: Electorate
    ) -> Any:
        after, proposals = super().receive(voter, incarnation, answer, now, electorate)
        if proposals and after.round is not None:
            after = after._replace(round=after.round._replace(began_at=now))
        return after, proposals


class CountsFromAccept(Proposer):
    """A term counts from the arrival of the last ACCEPT."""

    def receive(
        self, voter: str, incarnation: bytes, answer: Answer, now: float, electorate: Electorate
    ) -> Any:
        after, proposals = super().receive(voter, incarnation, answer, now, electorate)
        return (after._replace(since=now) if after.owned != self.owned else after), proposals


class NeedsHalf(Electorate):
    """Half of the voters, rounded down, is a majority."""

    def is_majority(self, names: Any) -> bool:
        return 2 * sum(voter in names for voter in self.voters) >= len(self.voters) - 1


class ForgetsThePrevious(Electorate):
    """While voters change, the new ones elect alone."""

    def is_majority(self, names: Any) -> bool:
        return self.alone().is_majority(names) if self.previous else super().is_majority(names)


class NoFloor(LeaderLease):
    """Rounds do not go by the wall clock: when all have forgotten everything they begin anew."""

    def __init__(
        self, identity: str, incarnation: bytes, electorate: Electorate, floor: Any, now: float
    ) -> None:
        super().__init__(identity, incarnation, electorate, lambda: 0, now)


# ---- nodes


class ExtendsWhatIsGivenBack(PeerNode):
    """The lease is extended on while it is given back."""

    def _next_try_at(self) -> float:
        if self.state is State.RELEASING and self._term is not None:
            return self._term.since + self.timing.renew_period
        return super()._next_try_at()


class ExtendsWhatIsLost(PeerNode):
    """The deadline is not looked at while an extension is under way: its answer may come after the end."""

    def _over_at(self) -> float:
        waits = self.state in IN_TERM and self.lease.is_trying
        return super()._over_at() + (self.timing.lease_duration if waits else 0.0)


class FreesWhileTheBodyRuns(PeerNode):
    """The lease is given back as soon as the term is to end, while the body still ends."""

    def _drain(self, reason: Any, heir: str, now: float) -> None:
        leads = self.state is State.LEADING
        super()._drain(reason, heir, now)
        if leads and self.state is State.DRAINING:
            self._begin_release("release", now)

    def body_ended(self, now: float) -> None:
        if self.state in (State.RELEASING, State.IDLE):
            self.handle_timer(now)
        else:
            super().body_ended(now)


class DrainsWithoutExtension(PeerNode):
    """While a body drains the lease is not extended."""

    def _next_try_at(self) -> float:
        return math.inf if self.state is State.DRAINING else super()._next_try_at()


class CampaignsWhileTheBodyRuns(PeerNode):
    """After a loss a campaign begins at once."""

    def _lose(self, reason: Any) -> None:
        super()._lose(reason)
        if self.state is State.LOST:
            self._stop()
            self.campaign(self._lost_at)

    def _advance(self, now: float) -> None:
        self._lost_at = now
        super()._advance(now)

    def body_ended(self, now: float) -> None:
        if self.state in (*IN_TERM, State.LOST):
            super().body_ended(now)
        else:
            self.handle_timer(now)


class LeadsBeforeItIsRegistered(RegisteredNode):
    """In hybrid mode the body begins while the name is still being written."""

    def _won(self, now: float) -> None:
        super()._won(now)
        self._elect(now)


class LeadsOnAnOldWrite(RegisteredNode):
    """What was registered for an earlier term numbers the next one too."""

    def _won(self, now: float) -> None:
        before = self._registration.registered or getattr(self, "_before", None)
        super()._won(now)
        self._registration.registered = before

    def _disown(self) -> None:
        self._before = self._registration.registered or getattr(self, "_before", None)
        super()._disown()


class LeadsWithoutAToken(RegisteredNode):
    """Whoever has won leads when the API does not answer, though it was to be waited for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "on_outage": "elect"})


class RegistersWithoutTheLease(RegisteredNode):
    """Nobody looks at the lease while the name is being written, nor when that is done."""

    def _over_at(self) -> float:
        return math.inf if self.state is State.PROVING else super()._over_at()
