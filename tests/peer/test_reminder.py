"""Reminder: repeats at growing intervals."""

from __future__ import annotations

from tenure.peer.reminder import Reminder


def test_repeats_come_at_growing_intervals_until_something_new_is_sent() -> None:
    reminder = Reminder(0.5)
    assert not reminder.is_due(100.0)
    reminder.start(100.0)
    due = [step / 2 for step in range(200, 220) if reminder.is_due(step / 2)]
    assert due == [100.5, 101.5, 103.5, 107.5]
    reminder.start(110.0)
    assert reminder.at == 110.5
