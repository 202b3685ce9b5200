"""Health: who is late holds its campaign back, and nothing else."""

from __future__ import annotations

import math

import pytest

from tenure.events import Elected
from tenure.peer.health import Health
from tenure.peer.messages import Prepare
from tests.peer.net import Net

T = 2.0


def test_who_keeps_up_is_well() -> None:
    health = Health(0.1, 0.5)
    for now in (1.0, 2.0, 3.0):
        health.expect(now + 1.0)
        health.wake(now + 1.05)
    assert health.well_from == -math.inf


def test_being_woken_early_is_no_fault() -> None:
    health = Health(0.1, 0.5)
    health.expect(2.0)
    health.wake(1.0)
    assert health.well_from == -math.inf


@pytest.mark.parametrize(("late_s", "held_back_s"), [(0.3, 0.3), (60.0, 0.5)])
def test_who_was_late_waits_as_long_but_not_for_ever(late_s: float, held_back_s: float) -> None:
    health = Health(0.1, 0.5)
    health.expect(2.0)
    health.wake(2.0 + late_s)
    assert health.well_from == pytest.approx(2.0 + late_s + held_back_s)


def test_one_delay_counts_once() -> None:
    health = Health(0.1, 0.5)
    health.expect(2.0)
    health.wake(3.0)
    health.wake(9.0)
    assert health.well_from == 3.5


def test_who_is_late_again_and_again_is_held_back_once() -> None:
    health = Health(0.1, 0.5)
    for now in (2.0, 2.4, 2.8, 3.2):
        health.expect(now - 0.2)
        health.wake(now)
    assert health.well_from == 2.2
    health.expect(60.0)
    health.wake(60.3)
    assert health.well_from == pytest.approx(60.6)


def test_a_candidate_whose_event_loop_stalls_all_the_time_campaigns_all_the_same() -> None:
    net = Net("a", "b", "c", "d", voters="bcd")
    for name in "bcd":
        net.call(name, "set_eligible", False)
    while net.now < 10 * T:
        net.pause("a")
        net.run(0.3)
        net.wake("a")
        net.run(0.003)
    assert net.events("a", Elected) != []


def test_a_candidate_that_was_paused_hears_what_came_meanwhile_before_it_campaigns() -> None:
    net = Net("a", "b", "c", "d")
    net.elect()
    net.pause("d")
    net.run(10 * T)
    net.wake("d")
    net.run(T)
    assert net.bodies(Prepare, "d") == []


def test_a_candidate_that_was_paused_while_the_leader_died_campaigns_a_little_later() -> None:
    net = Net("b", "c", "d", voters="bcd")
    net.start("a", priority=1)
    net.elect()
    net.run(0.01)
    for name in "bcd":
        net.pause(name)
    net.crash("a")
    net.run(2 * T)
    for name in "bcd":
        net.wake(name)
    woken = net.now
    net.elect(within=T)
    assert woken + T / 4 <= net.now < woken + T / 2


def test_a_leader_that_was_late_extends_its_term_at_once() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.run(T / 3 - 0.05)
    net.pause("a")
    net.run(0.3)
    net.wake("a")
    late = net.now
    net.run(0.01)
    assert net.peers["a"].node.deadline == late + net.timing.renew_deadline
