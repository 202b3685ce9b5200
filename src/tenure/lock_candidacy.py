"""LockCandidacy: a candidate whose source of truth is a lock."""

from __future__ import annotations

from functools import partial

from tenure.election import Election
from tenure.lock_driver import LockDriver
from tenure.states import State

__all__ = ["LockCandidacy"]


class LockCandidacy(LockDriver[Election]):
    """An `Election` over an open lock; implements `tenure.candidacy.Candidacy`."""

    def campaign(self) -> None:
        """Try to lead, from now on; every earlier body has ended."""
        self._tell(self.core.campaign)

    def resign(self) -> None:
        """Give up the campaign, or the term once its body has ended."""
        self._tell(self.core.resign)

    def transfer(self, to: str) -> None:
        """Give up the term, if there is one, for the candidate of this name; empty: for anybody else."""
        self._tell(partial(self.core.transfer, to))

    def set_eligible(self, eligible: bool) -> None:
        """Tell whether this candidate may campaign, and go on leading."""
        self._tell(partial(self.core.set_eligible, eligible))

    def body_ended(self) -> None:
        """The body of the present or last term has ended."""
        self._tell(self.core.body_ended)

    def _is_idle(self) -> bool:
        return self.core.state is State.IDLE

    def _begin_polling(self) -> None:
        self.core.set_polling()
