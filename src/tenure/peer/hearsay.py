"""Hearsay: what this peer has heard of the leader; only the leader itself knows whether it leads.

Pure. It decides when a campaign is worth while, and what people are told, and nothing else.
"""

from __future__ import annotations

import math

from tenure.peer.messages import Envelope, Leading, Vacant
from tenure.token import FencingToken
from tenure.view import View

__all__ = ["Hearsay"]


class Hearsay:
    """The last news of a leader.

    Args:
        listens_until: who has heard of nobody waits until then; boot time, seconds.

    Attributes:
        leader: its name; empty: the last one has given up; None: nothing was heard, or it has run out.
        priority: of the leader.
        token: of its term, as an integer.
        until: when this runs out, if nothing more is heard; boot time, seconds.
        free_at: from when on a campaign is worth while; boot time, seconds.
        heir: whom the last leader has left its place to; empty: to nobody in particular.
        former: the leader before, which has given up or fallen silent; empty: there was none.
    """

    def __init__(self, listens_until: float) -> None:
        self.leader: str | None = None
        self.priority = 0
        self.token = 0
        self.until = math.inf
        self.free_at = listens_until
        self.heir = ""
        self.former = ""
        self._incarnation = b""  # who has said the last that was believed
        # How far it had come: it begins every term with a higher round, so this puts its news in order.
        self._said = (0, False)  # its highest round, and whether it had given up

    def hear_leading(self, envelope: Envelope, body: Leading, now: float) -> None:
        """Take in a leader's own word."""
        if self._is_known(envelope, given_up=False):
            return
        same = self._incarnation == envelope.incarnation and self.token == body.token
        if self.leader and not same and body.token < self.token:
            return  # it was overtaken by the news of its successor
        until = now + body.remaining
        self.until = self.free_at = max(self.until, until) if self.leader and same else until
        self.leader, self.token, self.priority = envelope.sender, body.token, envelope.priority
        self.heir = ""
        self._believe(envelope, given_up=False)

    def hear_vacant(self, envelope: Envelope, body: Vacant, now: float, lasts_s: float) -> None:
        """Take in that a leader has given up.

        Args:
            envelope: its message.
            body: what it says.
            now: boot time, seconds.
            lasts_s: seconds after which somebody else ought to have been heard of.
        """
        if self.leader and self._incarnation != envelope.incarnation:
            return  # there is another leader by now
        if not self._is_known(envelope, given_up=True):
            self.give_up(envelope.sender, body.heir, now, lasts_s)
            self._believe(envelope, given_up=True)

    def hear_held(self, until: float) -> None:
        """Take in that voters have refused a try, since somebody holds the lease until then."""
        self.free_at = max(self.free_at, until)

    def give_up(self, name: str, heir: str, now: float, lasts_s: float) -> None:
        """Nobody leads, because this leader has given up for `heir`."""
        self.leader, self.former, self.heir = "", name, heir
        self.free_at, self.until = now, now + lasts_s

    def lead(self) -> None:
        """This peer leads now: what was heard of others is over."""
        self.leader, self.former, self.heir, self.until = None, "", "", math.inf

    def expire(self, now: float) -> None:
        """Forget what has run out."""
        if self.leader is not None and now >= self.until:
            self.former = self.leader or self.former
            self.leader, self.heir, self.until = None, "", math.inf

    def view(self, election: str) -> View:
        """Return what people are told; `election`: that the leader's token belongs to."""
        if self.leader is None:
            return View(None, reason="no leader is heard of")
        token = FencingToken.parse(str(self.token), election) if self.leader else None
        return View(self.leader, token=token)

    def _is_known(self, envelope: Envelope, *, given_up: bool) -> bool:
        """Tell whether news is overtaken by later news of the same peer, or is its last once more.

        (A leader that says again that it leads has extended its lease.)
        """
        if envelope.incarnation != self._incarnation:
            return False
        said = (envelope.highest, given_up)
        return said < self._said or (given_up and said == self._said)

    def _believe(self, envelope: Envelope, *, given_up: bool) -> None:
        self._incarnation, self._said = envelope.incarnation, (envelope.highest, given_up)
