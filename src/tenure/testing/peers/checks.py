"""Checks of terms among peers: the same sentences, with messages in the place of writes."""

from __future__ import annotations

from tenure.events import CampaignStarted, Elected, Event, LossReason, Lost
from tenure.peer.membership import Address
from tenure.peer.messages import Envelope, Leading, Prepare, Propose, Release, Vacant
from tenure.testing.checks.check import ROUNDING_S, Check, Complain
from tenure.testing.checks.ends import BodiesEnd, CountsFromTheSending
from tenure.testing.checks.one_valid_term import OneValidTerm
from tenure.testing.checks.tokens import TokensRise
from tenure.testing.chronicle import Acquisition
from tenure.testing.peers.chronicle import PeerChronicle
from tenure.testing.peers.world import PeerObserver
from tenure.testing.world import Candidate, Change, Observer
from tenure.token import FencingToken

__all__ = ["peer_checks_of"]


def peer_checks_of(chronicle: PeerChronicle, complain: Complain) -> tuple[Observer, ...]:
    """Return the chronicle and all checks of one election among peers, in the order of their being told.

    Args:
        chronicle: keeps the facts.
        complain: is called with what broke a sentence: ``KIND: details``.
    """
    return (
        chronicle,
        OnePeerLeads(chronicle, complain),
        CountsFromTheSending(chronicle, complain),
        SilentAfterTheEnd(chronicle, complain),
        PeerBodiesEnd(chronicle, complain),
        KeptToTheEnd(chronicle, complain),
        PeerTokensRise(chronicle, complain),
        TokensAreGiven(chronicle, complain),
    )


class OnePeerLeads(OneValidTerm):
    """At no true instant two terms are valid; among peers no hand can open a gap."""

    def _is_lawful(self, old: Acquisition, new: Acquisition) -> bool:
        return False


class SilentAfterTheEnd(Check, PeerObserver):
    """Nobody asks for an extension, or says that it leads, when its term is over (rules 1 and 3)."""

    def __init__(self, chronicle: PeerChronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._campaigning: set[Candidate] = set()

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, CampaignStarted):
            self._campaigning.add(candidate)
        elif isinstance(event, Elected):
            self._campaigning.discard(candidate)
            if not candidate.has_valid_term(self.world.now):
                self._complain(f"begun after its end: the term of {candidate.name}")

    def posted(self, candidate: Candidate, address: Address, envelope: Envelope) -> None:
        body = envelope.body
        campaigns = candidate in self._campaigning and not isinstance(body, Leading)
        acts = isinstance(body, Prepare | Propose | Leading) and not campaigns
        if acts and not candidate.has_valid_term(self.world.now):
            self._complain(f"sent after the end: {type(body).__name__} of {candidate.name}")


class PeerBodiesEnd(BodiesEnd, PeerObserver):
    """No body runs past the hard limit, and nothing is given back while it runs (rules 1 and 6)."""

    def posted(self, candidate: Candidate, address: Address, envelope: Envelope) -> None:
        if isinstance(envelope.body, Release | Vacant) and candidate in self._running:
            self._complain(f"freed while the body runs: by {candidate.name}")


class KeptToTheEnd(Check, PeerObserver):
    """A term is not lost before its time, nor for want of a try: also while its body drains (rules 3, 6)."""

    def __init__(self, chronicle: PeerChronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._asked_at: dict[Candidate, float] = {}
        self._highest: dict[int, FencingToken] = {}  # by era

    def posted(self, candidate: Candidate, address: Address, envelope: Envelope) -> None:
        if isinstance(envelope.body, Prepare):
            self._asked_at[candidate] = self._chronicle.now(candidate)

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected) and candidate in self._chronicle.terms:
            era = self._chronicle.terms[candidate].era
            self._highest[era] = max(event.token, self._highest.get(era, event.token))
        if not isinstance(event, Lost) or candidate.term is None:
            return
        now = self._chronicle.now(candidate)
        left_s = candidate.term.deadline - now
        is_misled = event.reason is LossReason.OTHER_HOLDER and self._may_be_misled(candidate)
        if left_s > ROUNDING_S and not is_misled:
            self._complain(f"lost for nothing: {candidate.name}, {event.reason}, {left_s:.3f} s early")
        idle_s = now - self._asked_at.get(candidate, now)
        just_woke = self._chronicle.woke_at.get(candidate) == self.world.now
        untried = idle_s - candidate.timing.renew_deadline > -ROUNDING_S
        if event.reason is LossReason.RENEW_DEADLINE and untried and not just_woke:
            self._complain(f"lost untried: the term of {candidate.name}")

    def _may_be_misled(self, candidate: Candidate) -> bool:
        """After a restore late news of an earlier term has the higher token, until the epoch is raised."""
        term, told = self._chronicle.terms.get(candidate), candidate.term
        if term is None or told is None:
            return False
        return any(era < term.era and token > told.token for era, token in self._highest.items())


class PeerTokensRise(TokensRise):
    """Tokens rise; a term of hybrid mode that was elected in an outage has none."""

    def said(self, candidate: Candidate, event: Event) -> None:
        if isinstance(event, Elected) and event.token.version:
            super().said(candidate, event)


class TokensAreGiven(Check):
    """Each term was granted anew, in hybrid mode written anew, and has its token from there (rule 9).

    Without a token nobody leads, unless that is wanted in an outage.
    """

    def __init__(self, chronicle: PeerChronicle, complain: Complain) -> None:
        super().__init__(chronicle, complain)
        self._on_outage = chronicle.on_outage
        self._used: dict[Candidate, Acquisition] = {}
        self._newest = 0  # version that the record ever had

    def changed(self, change: Change) -> None:
        self._newest = max(self._newest, change.after.version)

    def said(self, candidate: Candidate, event: Event) -> None:
        if not isinstance(event, Elected):
            return
        term = self._chronicle.terms.get(candidate)
        made, version = term.after.version if term is not None else -1, event.token.version
        if self._on_outage is None:
            is_given = version == made
        elif not version:
            is_given = self._on_outage == "elect"
        else:
            # A record that a hand has touched since is still the one that was written.
            is_given = made <= version <= self._newest
        if term is None or term is self._used.get(candidate) or not is_given:
            self._complain(f"a token of its own making: {version}, that of {candidate.name}")
        else:
            self._used[candidate] = term
