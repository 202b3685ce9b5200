"""RegisteredNode: a peer whose terms are numbered by the API: the core of hybrid mode.

Pure. While the leader stays, the API is not asked; without the API nobody new is elected, unless that is
wanted.
"""

from __future__ import annotations

import math
from typing import Any

from tenure.events import LossReason
from tenure.peer.messages import Envelope, Leading
from tenure.peer.node import PeerNode
from tenure.peer.registration import OnOutage, Registration
from tenure.record import Versioned
from tenure.requests import NoteRequest, Request, WriteRequest
from tenure.states import State
from tenure.token import FencingToken

__all__ = ["RegisteredNode"]

_LONGEST_PATIENCE = 8  # times D
_NO_TOKEN = "elected without a fencing token, since the API server has not taken the name: fences refuse it"


class RegisteredNode(PeerNode):
    """Holds the lease (`State.PROVING`) until it has written its name, and leads only then.

    It gives the lease back if the API has not answered within D, since others may reach it; each time twice
    as late, until somebody has led.

    Args:
        on_outage: ``"elect"``: lead without a token if the API does not answer within D.
        others: as of `PeerNode`.
    """

    def __init__(self, *, on_outage: OnOutage = "wait", **others: Any) -> None:
        super().__init__(**others)
        self._registration = Registration(self.identity, self.incarnation, self.timing)
        self._on_outage: OnOutage = on_outage
        self._holding_since = math.inf
        self._patience_s = self.timing.renew_deadline

    def requests_to_send(self, now: float) -> list[Request]:
        """Return what is to be sent to the API now, at most one request; after `messages_to_send`."""
        request = self._registration.request(now)
        return [] if request is None else [request]

    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None:
        """Take in the answer of the API to a request."""
        self._advance(now)
        trouble = self._registration.trouble
        self._registration.receive_answer(request, seen, now)
        if self._registration.trouble not in ("", trouble):
            self._say(self._registration.trouble)
        self._settle(now)

    def receive_conflict(self, request: WriteRequest | NoteRequest, now: float) -> None:
        """The compare-and-swap lost: another version is in place."""
        self._advance(now)
        self._registration.receive_conflict()
        self._settle(now)

    def receive_failure(
        self, request: Request, now: float, *, retry_after_s: float = 0.0, refused: bool = False
    ) -> None:
        """No usable answer of the API came."""
        self._advance(now)
        # The wish of the API is met, but never past what is left of the time: half of it stays.
        left_s = self._registers_until() - now if self.state is State.PROVING else self.timing.renew_deadline
        self._registration.receive_failure(now, wait_s=min(retry_after_s, left_s / 2))
        self._settle(now)

    def get_timer(self) -> float:
        """Return when something is to be sent next, to peers or to the API; boot time, seconds."""
        until = self._registers_until() if self.state is State.PROVING else math.inf
        return min(super().get_timer(), self._registration.request_at, until)

    def _advance(self, now: float) -> None:
        super()._advance(now)
        if self.state is not State.PROVING or now < self._registers_until():
            return
        if self._on_outage == "elect":
            self._say(_NO_TOKEN)
            self._number(FencingToken(0, 0, self._election))  # whatever the epoch: lower than all others
            self._elect(now)
        else:
            # Others may reach the API.
            self.lease.release(now)
            self._vacate(now)
            self._lose(LossReason.RENEW_DEADLINE)
            self._turn.stand_back(now)
            # Where nobody gets through in this time, the API may be slow.
            longest_s = _LONGEST_PATIENCE * self.timing.renew_deadline
            self._patience_s = min(2 * self._patience_s, longest_s)

    def _settle(self, now: float) -> None:
        registered = self._registration.registered
        if self.state is State.PROVING and registered is not None:
            # The lease has been looked at, a moment ago.
            version, uid = registered.version, registered.uid
            self._number(FencingToken(self._epoch, version, self._election, uid))
            self._elect(now)
        super()._settle(now)

    def _won(self, now: float) -> None:
        self._enter("hold")
        self._holding_since = now
        # (Time for a read and a write.)
        self._registration.begin(max(self.timing.renew_deadline, self._patience_s / 2))

    def _elect(self, now: float) -> None:
        super()._elect(now)
        self._patience_s = self.timing.renew_deadline

    def _hear_leading(self, envelope: Envelope, body: Leading, now: float) -> None:
        super()._hear_leading(envelope, body, now)
        self._patience_s = self.timing.renew_deadline  # others get through

    def _disown(self) -> None:
        super()._disown()
        self._registration.cancel()

    def _number(self, token: FencingToken) -> None:
        if self._term is not None:
            self._term.uid, self._term.token = token.uid, token

    def _registers_until(self) -> float:
        return self._holding_since + self._patience_s
