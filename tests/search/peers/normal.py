"""Normal forms: states that differ only in what nothing reads any more are one state.

All times are relative to now. Each rule says why no step can tell the difference; test_reductions.py compares
with a search that knows none of them.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

from tenure.peer.ballot import NO_BALLOT, Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.messages import Accept, Prepare, Promise, Propose
from tenure.peer.proposer import Proposer, Round
from tests.search.peers.parts import Candidate, Parts, Sent, Told, Voter
from tests.search.peers.setting import Setting

__all__ = ["Column", "Known", "Normal", "Want", "known_by", "with_known"]

_ALL = Electorate(voters=("x", "y", "z"))


class Known(NamedTuple):
    """What a candidate knows, in its present try, of one voter.

    Attributes:
        incarnation: that promised.
        accepted: it has accepted, too.
    """

    incarnation: bytes
    accepted: bool


class Want(NamedTuple):
    """What a candidate can use: answers to this try, if it is not too late for them.

    Attributes:
        ballot: of the try.
        proposed: PROPOSE was sent.
    """

    ballot: Ballot
    proposed: bool


class Column(NamedTuple):
    """All that there is about one voter, so that two alike can change places.

    Attributes:
        voter: as it is.
        demands: that were sent to it, and can still change something.
        answers: that it has sent, and that can still change something.
        known: what each candidate knows of it.
    """

    voter: Voter
    demands: frozenset[Sent]
    answers: frozenset[Told]
    known: tuple[Known | None, ...]


class Normal:
    """Makes normal forms.

    Args:
        setting: of the search.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._parts = Parts(setting)
        self._matters = cache(self._changes_something)

    def voter(self, voter: Voter, shift: int = 0) -> Voter:
        """Return the normal form of a voter, `shift` ticks later."""
        acceptor = voter.acceptor
        # A lease that has run out is forgotten before anything else is done.
        until = acceptor.accepted_until - shift
        accepted = None if until <= 0 else acceptor.accepted
        return voter._replace(
            acceptor=acceptor._replace(
                silent_until=max(acceptor.silent_until - shift, 0),
                accepted=accepted,
                accepted_until=-math.inf if accepted is None else until,
            )
        )

    def candidate(self, candidate: Candidate, shift: int = 0) -> Candidate:
        """Return the normal form of a candidate, `shift` ticks later, without what it knows of voters."""
        proposer = candidate.proposer
        owned, since = proposer.owned, proposer.since - shift
        if not self._parts.owns(candidate, shift):
            # A lease that has run out matters only for what will be released; when that was does not.
            owned, since = (owned, -proposer.lease) if candidate.releases and owned else (None, -math.inf)
        elif owned is not None and not candidate.releases:
            owned = NO_BALLOT  # that it has one matters, and since when
        return candidate._replace(
            proposer=proposer._replace(
                # Only another try asks for it.
                highest=proposer.highest if candidate.prepares else 0,
                round=self._round(candidate, shift),
                owned=owned,
                since=since,
            )
        )

    def want(self, candidate: Candidate) -> Want | None:
        """Return what a candidate in its normal form can use; None: nothing."""
        current = candidate.proposer.round
        if current is None or current.began_at + candidate.proposer.lease <= 0:
            return None
        return Want(current.ballot, current.proposed)

    def column(self, column: Column, wants: tuple[Want | None, ...], *, can_restart: bool) -> Column:
        """Return a column without what can change nothing any more.

        Args:
            column: of a voter in its normal form.
            wants: what the candidates can use.
            can_restart: whether any voter still can.
        """
        for who, want in enumerate(wants):
            column = self.touched(column, who, want, (), can_restart=can_restart)
        return column

    def touched(
        self, column: Column, who: int, want: Want | None, added: tuple[Sent, ...], *, can_restart: bool
    ) -> Column:
        """Return a column without what can change nothing any more, after a step of one candidate.

        Args:
            column: of a voter in its normal form.
            who: the position of the candidate.
            want: what it can use.
            added: what it has just sent.
            can_restart: whether any voter still can.
        """
        known = column.known
        if want is None:
            known = (*known[:who], None, *known[who + 1 :])
        is_useful = self._can_use if self._setting.drops_answers else _is_consent
        answers = frozenset([told for told in column.answers if is_useful(told, who, known[who], want)])
        demands = column.demands.union(added)
        if self._setting.drops_demands:
            demands = frozenset(
                [sent for sent in demands if not _is_spent(sent, column.voter, demands, can_restart)]
            )
        return Column(column.voter, demands, answers, known)

    def _round(self, candidate: Candidate, shift: int) -> Round | None:
        proposer, current = candidate.proposer, candidate.proposer.round
        if current is None:
            return None
        began_at = current.began_at - shift
        if began_at + proposer.lease <= 0:
            # Too late for any answer: the first one would end the try, and no other step asks for it but a
            # release, if it was proposed.
            if not (current.proposed and candidate.releases):
                return None
            began_at = -proposer.lease
        return Round(current.ballot, began_at, proposed=current.proposed)

    def _can_use(self, told: Told, who: int, known: Known | None, want: Want | None) -> bool:
        if self._setting.position_of(told.answer.ballot) != who:
            return True  # that is for another step to ask
        return want is not None and self._matters(want, known, told)

    def _changes_something(self, want: Want, known: Known | None, told: Told) -> bool:
        """Tell whether a candidate does anything on an answer; if it does not now, it never will.

        An answer counts in the try that it names, and no two have one name. In a try what is known of a voter
        changes from nothing to promised to accepted only, and PROPOSE is sent once: so an answer that finds
        nothing to change finds nothing later. Rounds of others count as well, but any round may be tried
        anyway.
        """
        proposer = self._setting.proposer(
            want.ballot.proposer, self._setting.leases[0], round=Round(want.ballot, 0, proposed=want.proposed)
        )
        before = with_known(proposer, {} if known is None else {"x": known})
        after, sent = before.receive("x", told.incarnation, told.answer, 0, _ALL)
        return bool(sent) or _telling(after) != _telling(before)


def with_known(proposer: Proposer, known: dict[str, Known]) -> Proposer:
    """Return a proposer that knows of its voters."""
    if proposer.round is None:
        return proposer
    promised = tuple(sorted((name, each.incarnation) for name, each in known.items()))
    accepted = frozenset(name for name, each in known.items() if each.accepted)
    return proposer._replace(round=proposer.round._replace(promised=promised, accepted=accepted))


def known_by(proposer: Proposer) -> dict[str, Known]:
    """Return what a proposer knows of its voters, by name."""
    if proposer.round is None:
        return {}
    accepted = proposer.round.accepted
    return {name: Known(promised, name in accepted) for name, promised in proposer.round.promised}


def _telling(proposer: Proposer) -> Proposer:
    """Return what matters to another step: whether a try is hopeless does not."""
    current = proposer.round
    if current is not None:
        current = current._replace(refused=frozenset(), held_until=-math.inf)
    return proposer._replace(round=current, highest=0)


def _is_consent(told: Told, *_: object) -> bool:
    """Tell whether an answer can make any candidate do anything: a refusal tells of a round at most."""
    return isinstance(told.answer, Promise | Accept)


def _is_spent(sent: Sent, voter: Voter, demands: frozenset[Sent], can_restart: bool) -> bool:
    """Tell whether a datagram cannot change a voter any more, nor bring an answer that a candidate can use.

    - The epoch of a voter never falls.
    - PREPARE: until the next restart what is promised only rises. If it is this very ballot, then it was
      promised, and that PROMISE is on its way or was used.
    - PROPOSE is made with the promise of this incarnation in hand. If it has promised another ballot since,
      it will not promise this one again.
    - RELEASE comes after the last PROPOSE of its ballot and of all earlier ones of its sender: if none of
      them was accepted, and none can be, it frees nothing.
    """
    demand, acceptor = sent.demand, voter.acceptor
    if sent.epoch < acceptor.epoch:
        return True
    if isinstance(demand, Prepare):
        return not can_restart and demand.ballot.round <= acceptor.promised.round
    if isinstance(demand, Propose):
        return demand.incarnation != acceptor.incarnation or demand.ballot != acceptor.promised
    coming = [each for each in demands if isinstance(each.demand, Propose)]
    held = [each.demand.ballot for each in coming if not _is_spent(each, voter, demands, can_restart)]
    if acceptor.accepted is not None:
        held.append(acceptor.accepted)
    return not any(
        ballot.proposer == demand.ballot.proposer and ballot.round <= demand.ballot.round for ballot in held
    )
