"""Campaign: what makes a candidate, as a command line tells it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tenure.election import OnMissing
from tenure.elector import LeaderElector
from tenure.handover import Preference
from tenure.office import OnOverrun
from tenure.peer.peers import Peers
from tenure.sidecar.health import HealthCheck
from tenure.sidecar.kinds import LockPlace
from tenure.timing import Timing

__all__ = ["Campaign"]


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """A candidate to be.

    Attributes:
        election: its name.
        place: of the lock object; None: peers are alone.
        kind: of the lock, one of `LOCK_KINDS`, or ``peers``.
        peers: who elect among themselves; None: they elect by the lock.
        identity: the name to campaign under; None: ``POD_NAME``, else the hostname.
        timing: the durations.
        on_missing, epoch, candidates: as of `LeaderElector`.
        preference: how much it wants to lead.
        health: says whether the program is fit to lead; None: it always is.
    """

    election: str
    place: LockPlace | None
    kind: str
    identity: str | None
    timing: Timing
    on_missing: OnMissing
    epoch: int = 0
    preference: Preference = field(default_factory=Preference)
    candidates: bool = False
    health: HealthCheck | None = None
    peers: Peers | None = None

    def elector(self, *, drain_timeout: float, on_overrun: OnOverrun = "log") -> LeaderElector:
        """Return the candidate; it connects to nothing yet.

        Raises:
            ConfigurationError: the name or the namespace cannot be one.
        """
        where = self.place.lock(self.kind) if self.place is not None else self.peers
        assert where is not None
        return LeaderElector(
            where,
            peers=self.peers if self.place is not None else None,
            identity=self.identity,
            timing=self.timing,
            drain_timeout=drain_timeout,
            on_overrun=on_overrun,
            on_missing=self.on_missing,
            epoch=self.epoch,
            priority=self.preference.priority,
            preempt=self.preference.preempt,
            minimum_tenure=self.preference.minimum_tenure,
            candidates=self.candidates,
            eligible=self.health.ask if self.health else None,
        )
