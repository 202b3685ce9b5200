"""What is done to the processes of a simulated cluster, and by hand to its record."""

from __future__ import annotations

import pytest

from tenure.events import Elected, LossReason, Lost, Overrun, TermEnding
from tenure.record import Record
from tenure.requests import Purpose
from tenure.testing.cluster import Cluster
from tests.sabotage.broken_clocks import ClockStopsInSuspend
from tests.testing.notes import followers, led, version

# ---- processes


def test_a_killed_leader_is_followed_after_its_lease() -> None:
    cluster, _, leader = led()
    cluster.crash(leader)
    assert cluster.leaders() == []
    assert cluster.run_until_led(within=17) == pytest.approx(13.15, abs=0.2)


def test_a_killed_process_comes_back_after_the_time_that_is_given() -> None:
    cluster, notes, leader = led(1)
    cluster.crash(leader, seconds=3)
    cluster.run(2.9)
    begun = len(notes.events)
    cluster.run(0.2)
    assert {name for _, name, _ in notes.events[begun:]} == {"a.1"}


@pytest.mark.parametrize("identity", ["", "somebody-else"])
def test_a_restarted_leader_is_nobody_at_first(identity: str) -> None:
    cluster, _, _ = led(1)
    cluster.restart("a", identity=identity)
    assert cluster.run_until_led(within=17) >= 15.15
    record = cluster.elections[0].world.store.head.record
    assert isinstance(record, Record)
    assert record.holder == (identity or "a")


def test_a_paused_leader_sends_nothing_and_wakes_without_a_term() -> None:
    cluster, notes, leader = led()
    cluster.pause(leader, seconds=30)
    begun = len(notes.sent_at)
    cluster.run(29.9)
    assert leader not in [name for _, name, _ in notes.sent_at[begun:]]
    assert cluster.leader not in ("", leader)
    assert not notes.losses(leader)
    cluster.run(0.2)
    assert [at for at, _ in notes.losses(leader)] == [42.0]


def test_a_paused_process_runs_on_when_it_is_told_to() -> None:
    cluster, notes, leader = led()
    cluster.pause(leader)
    cluster.run(3)
    cluster.resume(leader)
    cluster.run(20)
    assert not notes.losses(leader)


def test_a_clock_that_stops_in_suspend_does_so_in_no_pause() -> None:
    for verb, harmful in (("pause", False), ("suspend", True)):
        cluster, _, leader = led(clock=ClockStopsInSuspend, strict=False)
        getattr(cluster, verb)(leader, seconds=40)
        cluster.run(60)
        assert bool(cluster.violations) == harmful


def test_the_boot_time_clock_runs_on_through_suspend() -> None:
    cluster, notes, leader = led()
    cluster.suspend(leader, seconds=40)
    cluster.run(60)
    assert [at for at, _ in notes.losses(leader)] == [52.0]


def test_a_machine_with_a_slow_clock_renews_seldom() -> None:
    cluster, _, leader = led()
    cluster.tallies[0].reset()
    cluster.skew(leader, rate=0.5)
    cluster.run(100)
    assert cluster.tallies[0].writes == {leader: 10}


def test_a_clock_that_gains_speed_brings_forward_what_is_due() -> None:
    cluster, notes, leader = led()
    cluster.skew(leader, rate=3)
    cluster.run(2)
    assert [at for at, name, _ in notes.sent_at if name == leader][-1] == pytest.approx(13, abs=0.1)


def test_clocks_may_show_anything() -> None:
    cluster = Cluster(0, seed=1)
    for number, name in enumerate("abc"):
        cluster.join(name, offset=1e6 * number, rate=1 + 0.002 * number)
    cluster.run(10)
    cluster.crash(cluster.leader)
    assert cluster.run_until_led(within=17) > 10


def test_a_leader_that_resigns_is_followed_at_once_and_campaigns_again_later() -> None:
    cluster, notes, leader = led()
    cluster.resign(leader, seconds=30)
    assert cluster.run_until_led(within=1) < 1
    cluster.run(0.5)
    assert cluster.leader not in ("", leader)
    begun = len(notes.events)
    cluster.run(28)
    assert "CampaignStarted" not in [type(event).__name__ for _, _, event in notes.events[begun:]]
    cluster.run(2)
    assert (leader, "CampaignStarted") in [(n, type(e).__name__) for _, n, e in notes.events[begun:]]


def test_a_slow_drain_keeps_the_term_until_the_body_has_ended() -> None:
    cluster, notes, leader = led()
    cluster.drain_slowly(leader, drain_s=12)
    cluster.resign(leader)
    cluster.run(11.9)
    assert cluster.leaders() == [leader]
    cluster.run(1)
    assert cluster.leader not in ("", leader)
    assert not notes.losses(leader)


def test_a_body_that_never_ends_is_killed_at_the_hard_limit() -> None:
    cluster, notes, leader = led()
    cluster.drain_slowly(leader)
    cluster.resign(leader, seconds=100)
    cluster.run(60)
    said = [(at, type(e)) for at, name, e in notes.events if name == leader and at >= 12]
    assert [kind for _, kind in said if kind in (TermEnding, Lost, Overrun)] == [TermEnding, Lost, Overrun]
    assert [reason for _, reason in notes.losses(leader)] == [LossReason.DRAIN_TIMEOUT]
    assert notes.bodies_ended == [(at, leader) for at, kind in said if kind is Overrun]
    assert cluster.leader not in ("", leader)


def test_all_elections_of_a_process_share_its_fate() -> None:
    cluster = Cluster(2, elections=20, seed=1)
    cluster.run(10)
    assert {cluster.leaders(number)[0] for number in range(20)} == {"a", "b"}
    cluster.pause("a", seconds=60)
    cluster.run(20)
    assert all(cluster.leaders(number) == ["b"] for number in range(20))


# ---- hands that meddle


def test_a_deletion_ends_the_term_at_once_and_tokens_rise_through_it() -> None:
    cluster, notes, leader = led()
    cluster.delete_record()
    cluster.run(0.1)
    assert [reason for _, reason in notes.losses(leader)] == [LossReason.DELETED]
    assert cluster.run_until_led(within=16) < 16
    tokens = [int(event.token) for _, _, event in notes.events if isinstance(event, Elected)]
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 2


def test_where_a_deletion_must_open_no_gap_a_creator_waits() -> None:
    cluster, _, _ = led(seconds=30, on_missing="wait")
    cluster.delete_record()
    cluster.run(0.1)
    assert cluster.run_until_led(within=40) > 15


def test_an_empty_record_is_free_at_once() -> None:
    cluster, notes, leader = led()
    cluster.empty_record()
    assert cluster.run_until_led(within=1) < 1
    cluster.run(0.5)
    assert [reason for _, reason in notes.losses(leader)] == [LossReason.FREED]
    assert cluster.leader


@pytest.mark.parametrize("lease_duration", [15.0, 1.0, None])
def test_a_record_that_names_somebody_is_respected(lease_duration: float | None) -> None:
    cluster, notes, leader = led()
    cluster.edit_record("somebody", lease_duration=lease_duration)
    cluster.run(0.1)
    assert [reason for _, reason in notes.losses(leader)] == [LossReason.OTHER_HOLDER]
    taken_s = cluster.run_until_led(within=17)
    # Who was overwritten may not know it yet, and its own lease counts as well.
    assert taken_s > (12.9 if lease_duration == 1.0 else 15)


def test_a_record_that_was_made_anew_is_another_object() -> None:
    cluster, _, _ = led()
    uid = cluster.elections[0].world.store.head.uid
    cluster.recreate_record()
    assert cluster.elections[0].world.store.head.uid != uid
    assert cluster.elections[0].world.store.head.is_free


def test_a_record_that_cannot_be_read_is_held_until_it_is_healed() -> None:
    cluster, notes, leader = led()
    cluster.garble_record()
    cluster.run(120)
    assert cluster.leaders() == []
    assert [reason for _, reason in notes.losses(leader)] == [LossReason.UNREADABLE]
    cluster.heal()
    assert cluster.run_until_led(within=17) < 17


def test_other_metadata_are_nobodys_business() -> None:
    cluster, notes, leader = led()
    for _ in range(50):
        cluster.touch_record()
        cluster.run(0.5)
    assert not notes.losses(leader)
    assert cluster.leaders() == [leader]


def test_after_a_restore_everybody_waits() -> None:
    cluster, notes, leader = led()
    cluster.run(60)
    cluster.restore(4)
    cluster.run(6)
    assert [reason for _, reason in notes.losses(leader)] == [LossReason.HISTORY_RESET]
    assert cluster.leaders() == []
    assert cluster.run_until_led(within=20) > 8


def test_a_restore_gives_out_its_versions_once_more() -> None:
    cluster, notes, _ = led(seconds=62)
    highest = version(cluster)
    cluster.restore(4)
    assert version(cluster) == highest - 4
    cluster.empty_record()
    assert [change.after.version for change in notes.changes][-3:] == [highest, highest - 4, highest - 3]


def test_what_happens_to_one_record_happens_to_no_other() -> None:
    cluster = Cluster(2, elections=2, seed=1)
    cluster.run(10)
    (leader,) = cluster.leaders(0)
    cluster.garble_record(1)
    cluster.run(20)
    assert cluster.leaders(0) == [leader]
    assert cluster.leaders(1) == []


@pytest.mark.parametrize(("purpose", "delay_s"), [("acquire", 0.0), ("renew", 0.01)])
def test_an_ambush_strikes_right_after_a_write_of_its_kind(purpose: str, delay_s: float) -> None:
    cluster, notes, leader = led()
    cluster.ambush("delete_record", purpose, delay_s=delay_s)
    cluster.crash(leader)
    begun = len(notes.changes)
    cluster.run(30)
    changes = notes.changes[begun:]
    at = next(n for n, change in enumerate(changes) if change.after.record is None)
    before, deletion = changes[at - 1 : at + 1]
    assert before.request is not None
    assert before.request.purpose is Purpose(purpose)
    assert deletion.at == pytest.approx(before.at + delay_s)
    assert sum(change.after.record is None for change in changes) == 1


def test_an_ambush_can_strike_the_writer() -> None:
    cluster, notes, leader = led()
    cluster.ambush("crash", "acquire", name="the writer")
    cluster.crash(leader)
    cluster.run(16)
    (author,) = [change.author for change in notes.changes if change.at > 12]
    assert author is not None
    assert cluster.processes[author.name].crashed


def test_healing_ends_every_fault() -> None:
    cluster, _, leader = led(5)
    one, other, third, fourth = followers(cluster)
    cluster.partition(leader)
    cluster.crash(one)
    cluster.pause(other)
    cluster.expire_credentials(third)
    cluster.lose(fourth, 1.0)
    cluster.outage(replica=0)
    cluster.pause_server(replica=1)
    cluster.lag()
    cluster.throttle()
    cluster.fail(1.0)
    cluster.run(60)
    assert cluster.leaders() == []
    cluster.heal()
    cluster.run_until_led(within=17)
    cluster.run(40)
    cluster.tallies[0].reset()
    cluster.run(60)
    assert len(cluster.leaders()) == 1
    assert not cluster.tallies[0].reads
    assert cluster.tallies[0].writes.total() == 12
