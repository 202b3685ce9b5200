"""A request that the process was paused before: nothing is sent for a term that is over."""

from __future__ import annotations

import pytest

from tenure import core_driver, lock_driver
from tenure.events import Elected, Event, LossReason, Lost
from tenure.record import Attempt
from tenure.requests import Purpose, Request, WriteRequest
from tests.drivers.tools import ROOMY, forever, make, play, record_of, until


def test_a_renewal_that_was_decided_before_a_pause_is_not_sent_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pause falls between the core's decision and the first byte; the clock alone tells of it."""
    clock, skew_s = lock_driver.boot_time, 0.0
    for module in (core_driver, lock_driver):
        monkeypatch.setattr(module, "boot_time", lambda: clock() + skew_s)
    send = lock_driver.LockDriver._send

    async def send_after_a_pause(self: object, request: Request, wanted_at: float) -> None:
        nonlocal skew_s
        if isinstance(request, WriteRequest) and request.purpose is Purpose.RENEW and not skew_s:
            skew_s = ROOMY.renew_deadline
        await send(self, request, wanted_at)  # type: ignore[arg-type]

    monkeypatch.setattr(lock_driver.LockDriver, "_send", send_after_a_pause)
    elector, lock, _ = make()
    attempts: list[Attempt | None] = []
    lost: list[LossReason] = []

    def note(event: Event) -> None:
        record = record_of(lock)
        if isinstance(event, Elected | Lost) and record is not None:
            attempts.append(record.attempt)
        if isinstance(event, Lost):
            lost.append(event.reason)

    elector.subscribe(note)

    async def scene() -> None:
        async with elector.running(forever):
            await until(lambda: len(attempts) > 2)

    play(scene())
    assert lost == [LossReason.RENEW_DEADLINE]
    elected_with, lost_with, _ = attempts
    assert elected_with == lost_with
