"""Who may write over whose record (rules 2 and 6)."""

from __future__ import annotations

from tenure.record import Record
from tenure.requests import Purpose
from tenure.testing.checks.check import Check
from tenure.testing.world import Change

__all__ = ["ReleasesOnlyItsOwn", "WaitsItsTurn"]


class WaitsItsTurn(Check):
    """A record that somebody else holds is taken over only when its lease has run out (rule 2).

    It counts from when the contender received the newest change of its holder or attempt. One that cannot be
    decoded is held, never free.
    """

    def changed(self, change: Change) -> None:
        author = change.author
        if author is None or change.request is None or change.request.purpose is not Purpose.ACQUIRE:
            return
        record, taken = change.before.record, self._chronicle.acquisitions[author]
        if record is not None and not isinstance(record, Record):
            self._complain(f"taken though it cannot be read: by {author.name}")
        elif record is not None and record.holder and self._chronicle.previous_author is not author:
            early_s = taken.early_s(change.before)
            if early_s > 0:
                self._complain(f"taken too early: by {author.name}, {early_s:.3f} s")


class ReleasesOnlyItsOwn(Check):
    """A release never wipes a successor (rule 6)."""

    def changed(self, change: Change) -> None:
        released = change.request is not None and change.request.purpose is Purpose.RELEASE
        if change.author is not None and released and self._chronicle.previous_author is not change.author:
            self._complain(f"wiped a successor: {change.author.name}")
