"""Every verb of a simulated cluster does what it says, seen from outside; and one seed is one run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from tenure.election import Election
from tenure.events import LossReason
from tenure.requests import WriteRequest
from tenure.testing.cluster import Cluster, ViolationError
from tenure.testing.scenario import Scenario
from tenure.testing.trial import try_scenario
from tenure.timing import Timing
from tests.testing.notes import Notes, followers, known_version, led, observed, version

# ---- one seed, one run


def log_of(seed: int) -> list[str]:
    notes = Notes()
    scenario = Scenario.random(seed, seconds=60)
    try_scenario(scenario, make_world=partial(observed, notes))
    return notes.lines


def test_one_seed_is_one_run() -> None:
    for seed in range(5):
        assert log_of(seed) == log_of(seed)


def test_another_seed_is_another_run() -> None:
    assert log_of(1) != log_of(2)
    (one, _, _), (other, _, _) = led(seed=1), led(seed=2)
    assert one.steps != other.steps


def test_a_run_does_not_depend_on_the_process_that_it_is_made_in() -> None:
    code = "import hashlib, tests.testing.test_cluster as t; "
    code += "print(hashlib.sha256('\\n'.join(t.log_of(3)).encode()).hexdigest())"
    digests = {
        subprocess.check_output([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": salt})
        for salt in ("1", "2")
    }
    assert len(digests) == 1


def test_names_go_on_after_z() -> None:
    assert list(Cluster(28).processes)[25:] == ["z", "aa", "ab"]


def test_time_never_goes_back() -> None:
    cluster, _, _ = led()
    cluster.run(-5)
    assert cluster.now == 12


# ---- the network


def test_a_leader_that_is_cut_off_loses_at_its_deadline_and_another_follows() -> None:
    cluster, notes, leader = led()
    cluster.partition(leader)
    cluster.run(20)
    ((lost_at, reason),) = notes.losses(leader)
    assert reason is LossReason.RENEW_DEADLINE
    assert lost_at == pytest.approx(20, abs=0.1)
    assert cluster.leaders() == [name for name in cluster.leaders() if name != leader] != []


def test_a_partition_heals_after_the_time_that_is_given() -> None:
    cluster, notes, leader = led()
    cluster.partition(leader, seconds=4)
    cluster.run(30)
    assert cluster.leaders() == [leader]
    assert not notes.losses(leader)


def test_cut_off_from_answers_alone_writes_take_effect_unseen() -> None:
    cluster, notes, leader = led()
    cluster.run(1)
    before = version(cluster)
    cluster.partition(leader, "incoming")
    cluster.run(10)
    assert version(cluster) > before
    assert known_version(cluster, leader) == before
    assert notes.losses(leader)


def test_cut_off_from_requests_alone_the_watch_still_tells() -> None:
    cluster, _, _ = led()
    one, other = followers(cluster)
    cluster.partition(one, "outgoing")
    cluster.partition(other, "incoming")
    cluster.run(6)
    assert known_version(cluster, one) == version(cluster)
    assert known_version(cluster, other) < version(cluster)


def test_a_write_lands_after_its_client_gave_up() -> None:
    cluster, notes, leader = led()
    cluster.processes[leader].link.keeps = 1.0  # as TCP does that sends anew for long
    cluster.partition(leader, "outgoing", seconds=9)
    cluster.run(8.9)
    assert cluster.leaders() == []
    assert not [change for change in notes.changes if change.at > 12]
    cluster.run(0.2)
    late = next(change for change in notes.changes if change.at > 12)
    assert late.author is cluster.candidate(leader)
    assert late.at - late.sent_at > 5


def test_losses_cost_requests_but_no_term() -> None:
    quiet, _, _ = led()
    quiet.run(60)
    lossy, notes, leader = led()
    lossy.lose(leader, 0.1, seconds=60)
    lossy.run(60)
    assert not notes.losses(leader)
    sent = [sum(c.tallies[0].writes.values()) + sum(c.tallies[0].reads.values()) for c in (quiet, lossy)]
    assert sent[0] < sent[1]
    lossy.run(30)
    lossy.tallies[0].reset()
    lossy.run(60)
    assert lossy.tallies[0].writes == {leader: 12}
    assert not lossy.tallies[0].reads


def test_what_is_slow_arrives_late() -> None:
    cluster, notes, leader = led()
    cluster.slow_down(leader, 0.3)
    cluster.run(60)
    took = [change.at - change.sent_at for change in notes.changes if change.sent_at > 12]
    assert sum(took) / len(took) > 0.1
    usual = [change.at - change.sent_at for change in notes.changes if change.at < 10]
    assert max(usual) < 0.05


def test_without_credentials_nothing_is_done_and_everybody_knows_it() -> None:
    cluster, notes, leader = led()
    cluster.expire_credentials(leader, seconds=30)
    cluster.run(10)
    assert [reason for _, reason in notes.losses(leader)] == [LossReason.RENEW_DEADLINE]
    assert not cluster.candidate(leader).limbo
    cluster.run(19.9)
    last = max(change.at for change in notes.changes if change.author is cluster.candidate(leader))
    assert last < 12
    cluster.run(0.2)
    for name in cluster.processes:
        if name != leader:
            cluster.crash(name)
    cluster.run_until_led(within=17)
    assert cluster.leader == leader


def test_broken_connections_cost_a_read_and_no_term() -> None:
    cluster, notes, leader = led()
    cluster.tallies[0].reset()
    for name in cluster.processes:
        cluster.disconnect(name)
    cluster.run(20)
    assert cluster.watches_ended() == dict.fromkeys(cluster.processes, 1)
    assert cluster.tallies[0].reads == dict.fromkeys(cluster.processes, 1)
    assert not notes.losses(leader)


def test_what_became_of_a_write_whose_connection_broke_is_found_by_reading() -> None:
    cluster, notes, leader = led()
    cluster.ambush("disconnect", "renew", name=leader)
    cluster.run(20)
    (renewal, found) = [change.request for change in notes.changes if change.at > 12][:2]
    assert renewal is not None
    assert found is not None
    assert found.attempt.number == renewal.attempt.number + 1
    assert not notes.losses(leader)


# ---- the watch


def test_a_watch_that_ends_in_peace_is_taken_up_without_a_read() -> None:
    cluster, _, _ = led()
    cluster.tallies[0].reset()
    cluster.run(1300)  # each watch has ended twice at least
    assert not cluster.tallies[0].reads
    assert all(known_version(cluster, name) >= version(cluster) - 1 for name in cluster.processes)


@pytest.mark.parametrize("compacted", [True, False])
def test_a_watch_whose_history_is_gone_is_followed_by_a_read_and_another_watch(compacted: bool) -> None:
    cluster, _, _ = led()
    name = followers(cluster)[0]
    cluster.pause(name)
    cluster.run(700)  # its watch ends meanwhile
    if compacted:
        cluster.compact()
    cluster.resume(name)
    cluster.run(1)
    assert cluster.watches_ended()[name] == compacted
    cluster.tallies[0].reset()
    cluster.run(60)
    assert known_version(cluster, name) >= version(cluster) - 1
    assert not cluster.tallies[0].reads


def test_a_half_open_watch_is_found_by_a_read() -> None:
    half_open = 0
    for seed in range(12):
        cluster, _, leader = led(seed=seed)
        name = followers(cluster)[0]
        cluster.partition(name, "incoming", seconds=6)
        cluster.run(8)
        half_open += known_version(cluster, name) < version(cluster)
        cluster.run(20)
        assert known_version(cluster, name) >= version(cluster) - 1
        assert cluster.leaders() == [leader]
    assert half_open >= 2


# ---- the API servers


def test_nobody_leads_through_a_long_outage_and_somebody_soon_after_it() -> None:
    cluster, _, _ = led()
    cluster.outage(seconds=60)
    cluster.run(59.9)
    assert cluster.leaders() == []
    cluster.run(2)
    assert len(cluster.leaders()) == 1


@pytest.mark.parametrize("replica", [0, 1])
def test_the_outage_of_one_api_server_costs_no_term(replica: int) -> None:
    cluster, notes, leader = led()
    cluster.outage(replica=replica, seconds=60)
    cluster.run(60)
    assert cluster.leaders() == [leader]
    assert not notes.losses(leader)


def test_a_paused_api_server_does_its_writes_later() -> None:
    cluster, notes, leader = led()
    cluster.pause_server(seconds=5)
    cluster.run(4.9)
    assert not [change for change in notes.changes if change.at > 12]
    cluster.run(0.2)
    late = next(change for change in notes.changes if change.at > 12)
    assert late.author is cluster.candidate(leader)
    assert late.at - late.sent_at > 1.9  # its client had given it up after one second
    assert not notes.losses(leader)


def test_the_longer_an_api_server_is_silent_the_longer_it_is_waited_for() -> None:
    cluster, notes, leader = led()
    cluster.pause_server()
    cluster.run(8)
    tries = [at for at, name, _ in notes.sent_at if name == leader and at > 12]
    assert [later - at for at, later in pairwise(tries)] == pytest.approx([1, 2])


def test_a_stale_api_server_shows_an_old_record() -> None:
    cluster, notes, _ = led(seconds=32)
    cluster.lag(12, seconds=10)
    cluster.join("newcomer")
    cluster.run(0.1)
    assert known_version(cluster, "newcomer") == max(c.after.version for c in notes.changes if c.at < 20)
    cluster.run(30)
    assert known_version(cluster, "newcomer") >= version(cluster) - 1


def test_a_leader_that_reads_an_old_record_takes_it_for_a_restore() -> None:
    cluster, notes, leader = led(seconds=32)
    cluster.lag(12, seconds=10)
    cluster.disconnect(leader)
    cluster.run(1)
    assert [reason for _, reason in notes.losses(leader)] == [LossReason.HISTORY_RESET]


def test_throttled_candidates_wait_as_long_as_they_are_told() -> None:
    counts = []
    for verb in ("outage", "throttle"):
        cluster, notes, _ = led()
        cluster.run(1)
        getattr(cluster, verb)(**({"retry_after_s": 5.0} if verb == "throttle" else {}))
        begun = len(notes.sent_at)
        cluster.run(60)
        counts.append(len(notes.sent_at) - begun)
        assert cluster.leaders() == []
        assert not any(cluster.candidate(name).limbo for name in cluster.processes)
    assert counts[1] * 4 < counts[0]


def test_of_the_writes_that_are_answered_with_an_error_half_are_done() -> None:
    tried = done = 0
    for seed in range(20):
        cluster, notes, _ = led(seed=seed)
        cluster.fail(1.0)
        cluster.run(5)
        tried += sum(isinstance(request, WriteRequest) for at, _, request in notes.sent_at if at > 12)
        done += sum(change.at > 12 for change in notes.changes)
    assert tried == 20  # its outcome is looked for, in vain, before the next one
    assert 5 <= done <= 15


# ---- what is wrong is said


def test_no_leader_is_a_violation() -> None:
    cluster, _, leader = led(1)
    cluster.partition(leader)
    cluster.run(11)
    with pytest.raises(ViolationError, match="no leader: none within 5 s"):
        cluster.run_until_led(within=5)


def test_a_broken_core_is_stopped_at_once_or_let_go_on() -> None:
    def hasty(*, timing: Timing, **options: Any) -> Election:
        return Election(timing=replace(timing, clock_rate_bound=0.0), **options)

    def play(strict: bool) -> Cluster:
        cluster = Cluster(3, seed=1, core=hasty, strict=strict)
        cluster.run(10)
        for _ in range(2):
            cluster.crash(cluster.leader)
            cluster.run(30)
        return cluster

    with pytest.raises(ViolationError, match=r"^.*s taken too early: by \w, 0\.1") as caught:
        play(strict=True)
    violations = play(strict=False).violations
    assert str(violations[0]) == str(caught.value)
    assert (violations[0].kind, violations[0].election) == ("taken too early", 0)
    assert len(violations) > 1
