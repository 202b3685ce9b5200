"""Stamping: the wall-clock times that a session writes into its records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tenure.record import Record

__all__ = ["Stamping", "Wall", "utc_now"]

Wall = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the wall clock's time, aware, in UTC."""
    return datetime.now(UTC)


class Stamping:
    """Fills in the times that a record leaves open, so that ``renewTime`` strictly rises (DESIGN rule 7).

    Args:
        step: how much a stamp exceeds the one before at least; also the resolution of the stored time.
            client-go compares by the second: a smaller step would look to it like no renewal at all.
        wall: the wall clock; it may step backwards, the stamps do not.
    """

    def __init__(self, *, step: timedelta, resolution: timedelta, wall: Wall = utc_now) -> None:
        self._step = step
        self._resolution = resolution
        self._wall = wall
        self._last = datetime.min.replace(tzinfo=UTC)

    def stamp(self, record: Record) -> Record:
        """Return the record with both times set and at the resolution of the store.

        Every call counts, whatever becomes of the write: one with an unknown outcome may still be applied.
        """
        renew_time = record.renew_time or max(self._wall(), self._last + self._step)
        renew_time = self._floor(renew_time)
        self._last = max(self._last, renew_time)
        acquire_time = self._floor(record.acquire_time) if record.acquire_time else renew_time
        return replace(record, renew_time=renew_time, acquire_time=acquire_time)

    def _floor(self, time: datetime) -> datetime:
        time = time.astimezone(UTC)
        return time.replace(microsecond=0) if self._resolution >= timedelta(seconds=1) else time
