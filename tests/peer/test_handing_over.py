"""PeerNode: how a term is given up, for whom, and who takes it over."""

from __future__ import annotations

import math

import pytest

from tenure.events import (
    Elected,
    EndingReason,
    LeaderChanged,
    LossReason,
    Lost,
    RecordTrouble,
    Released,
    Renewed,
    TermEnding,
)
from tenure.peer.messages import Accept, Held, Leading, Prepare, Promise, Propose, Release, Vacant
from tenure.peer.messages import Released as Confirmed
from tenure.states import State
from tests.peer.net import LATENCY_S, Net

T = 2.0
D = T * 2 / 3
NOT_RETURNED = "the lease could not be given back in time; others wait until it has run out"


# ---- draining


def test_while_a_body_drains_its_term_is_extended_and_nothing_is_given_back() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, body_s=3 * T)
    net.elect()
    asked = net.now
    net.call("a", "resign")
    assert net.events("a", TermEnding) == [TermEnding(reason=EndingReason.STOPPED)]
    net.run(3 * T - 0.01)
    assert net.state("a") is State.DRAINING
    assert net.leader() == "a"
    assert len([each for each in net.told if each.at > asked and isinstance(each.event, Renewed)]) == 8
    assert net.bodies(Release) == []
    assert net.elect(within=0.1) == "a"
    net.run(0.02)
    assert net.events("a", Released) == [Released()]
    assert net.state("a") is State.IDLE
    assert net.elect(within=0.02) == "b"


def test_a_body_that_drains_too_long_loses_its_term() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, body_s=math.inf, drain_timeout=5.0)
    net.elect()
    net.call("a", "resign")
    asked = net.now
    net.run_until(lambda: net.events("a", Lost), within=5.0 + D)
    assert asked + 5.0 <= net.now
    assert net.events("a", Lost) == [Lost(reason=LossReason.DRAIN_TIMEOUT)]
    assert net.bodies(Release) == []
    assert net.elect() == "b"
    net.call("a", "body_ended")
    assert net.state("a") is State.IDLE


def test_a_term_that_drains_without_a_majority_ends_for_want_of_renewals() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, body_s=math.inf, drain_timeout=5.0)
    net.elect()
    net.call("a", "resign")
    net.isolate("a")
    net.run(D)
    assert net.events("a", Lost) == [Lost(reason=LossReason.RENEW_DEADLINE)]


# ---- giving back


def test_a_term_that_is_given_back_is_taken_over_within_milliseconds() -> None:
    net = Net("a", "b", "c", "d")
    net.elect()
    net.call("a", "transfer", "")
    assert net.elect(within=0.001) == "a"  # valid until its body has ended
    took = net.run_until(lambda: net.events("b", Elected), within=0.1)
    assert took < 0.02
    assert net.state("a") is State.CAMPAIGNING


def test_who_has_tried_in_vain_while_the_lease_was_held_tries_when_it_is_given_back() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.cuts = {("a", "b")}
    net.run_until(lambda: net.bodies(Held), within=2 * T)
    net.run(T / 10)
    net.heal()
    net.call("a", "transfer", "b")
    net.run(0.02)
    assert net.leader() == "b"


def test_who_gave_up_lets_all_others_go_first_whatever_its_weight() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=5)
    net.elect()
    net.drops = lambda sender, receiver, body: isinstance(body, Prepare) and sender in "bc"
    net.call("a", "transfer", "")
    net.run_until(lambda: net.state("a") is State.CAMPAIGNING, within=0.1)
    net.run_until(lambda: net.leader() == "a", within=0.3)
    assert len(net.events("a", Elected)) == 2
    released = next(each.at for each in net.told if each.event == Released())
    assert net.now >= released + net.timing.head_start


def test_a_release_that_is_lost_is_sent_again() -> None:
    net = Net("a", "b", "c")
    net.elect()
    lost = iter([True] * 2)
    net.drops = lambda sender, receiver, body: isinstance(body, Release) and next(lost, False)
    net.call("a", "resign")
    net.run(0.1)
    assert net.events("a", Released) == [Released()]
    assert net.leader() == "b"
    assert net.events("a", RecordTrouble) == []


def test_an_extension_whose_answers_were_lost_is_given_back_as_well() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.drops = lambda sender, receiver, body: isinstance(body, Accept) and receiver == "a"
    net.run_until(lambda: len(net.bodies(Propose, "a")) > 2, within=T)
    net.run_until(lambda: not net.peers["a"].node.lease.is_trying, within=T)
    net.drops = lambda sender, receiver, body: False
    net.call("a", "resign")
    assert net.leader() == "a"
    net.run(0.02)
    assert net.leader() == "b"


def test_a_release_that_nobody_confirms_is_given_up_and_the_lease_runs_out() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.isolate("a")
    net.call("a", "resign")
    net.run(net.timing.retry_period + 0.01)
    assert net.state("a") is State.IDLE
    assert net.events("a", Released) == []
    assert net.events("a", RecordTrouble) == [RecordTrouble(message=NOT_RETURNED)]
    assert net.bodies(Vacant, "a") != []
    assert net.elect(within=T) == "b"


def test_nothing_is_given_back_after_the_deadline() -> None:
    net = Net("a", "b", "c")
    net.elect()
    deadline = net.peers["a"].node.deadline
    net.isolate("a")
    net.run(deadline - net.now - 0.05)
    net.call("a", "resign")
    net.run(0.051)
    assert net.state("a") is State.IDLE
    assert [each.at for each in net.sent if isinstance(each.body, Release) and each.at >= deadline] == []


def test_a_release_that_is_confirmed_late_does_not_hide_who_leads_by_now() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.drops = lambda sender, receiver, body: isinstance(body, Confirmed) and receiver == "a"
    net.call("a", "resign")
    net.run(0.01)
    assert net.state("a") is State.RELEASING
    # The others do not know yet: one of them tries by chance, and is free to.
    net.peers["b"].node._hearsay.give_up("a", "", net.now, T)
    net.call("b", "handle_timer")
    net.run(0.02)
    assert net.leader() == "b"
    net.drops = lambda sender, receiver, body: False
    net.run(0.1)
    assert net.events("a", Released) == [Released()]
    assert [event.leader for event in net.events("a", LeaderChanged)] == [None, "a", None, "b"]
    assert net.bodies(Vacant, "a") == []


def test_a_body_that_ends_by_itself_gives_the_term_back() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.peers["a"].campaigns = False
    net.call("a", "body_ended")
    net.run(0.02)
    assert net.events("a", TermEnding) == []
    assert net.events("a", Released) == [Released()]
    assert net.leader() == "b"


# ---- a campaign that is given up


def test_a_campaign_is_given_up_at_once_where_nothing_can_have_been_granted() -> None:
    net = Net("a", "b", "c")
    net.run_until(lambda: net.peers["a"].node.lease.is_trying, within=2 * T)
    net.call("a", "resign")
    assert net.state("a") is State.IDLE
    net.run(T)
    assert net.bodies(Promise) != []  # that came too late
    assert net.bodies(Propose, "a") == []
    assert net.bodies(Release) == []


def test_a_campaign_that_may_have_been_granted_is_taken_back() -> None:
    net = Net("a", "b", "c")
    net.drops = lambda sender, receiver, body: isinstance(body, Accept)
    net.run_until(lambda: net.peers["a"].node.lease.may_be_granted, within=T * 2)
    net.call("a", "resign")
    assert net.state("a") is State.RELEASING
    net.drops = lambda sender, receiver, body: False
    net.run(0.01)
    assert net.state("a") is State.IDLE
    assert net.events("a", Elected) == []
    assert net.elect(within=0.5) == "b"


def test_a_campaign_whose_try_ran_out_is_taken_back_too() -> None:
    net = Net("a", "b", "c")
    net.drops = lambda sender, receiver, body: isinstance(body, Accept)
    node = net.peers["a"].node
    net.run_until(lambda: node.lease.may_be_granted, within=T * 2)
    net.run_until(lambda: not node.lease.is_trying, within=T)
    net.call("a", "resign")
    assert net.state("a") is State.RELEASING
    net.drops = lambda sender, receiver, body: False
    assert net.elect(within=0.5) == "b"


# ---- an heir


def test_a_term_is_transferred_to_the_heir_that_is_named() -> None:
    net = Net("a", "b", "c", "d", "e")
    net.elect()
    net.call("a", "transfer", "e")
    assert net.events("a", TermEnding) == [TermEnding(reason=EndingReason.GIVEN_UP, heir="e")]
    net.run_until(lambda: net.events("e", Elected), within=0.02)
    assert net.bodies(Vacant, "a") == [Vacant("e")] * 4
    net.run(2 * T)
    assert net.leader() == "e"


def test_an_heir_may_be_named_while_the_body_drains() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, body_s=1.0)
    net.elect()
    net.call("a", "resign")
    net.call("a", "transfer", "c")
    net.run(1.02)
    assert net.leader() == "c"


def test_an_heir_that_is_not_there_delays_the_others_by_one_head_start() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.call("a", "transfer", "nobody")
    net.run_until(lambda: net.events("a", Released), within=0.1)
    took = net.run_until(lambda: net.events("b", Elected), within=1.0)
    assert net.timing.head_start <= took < net.timing.head_start + 0.02


@pytest.mark.parametrize("to", ["a", ""])
def test_a_transfer_needs_a_term_and_somebody_else(to: str) -> None:
    net = Net("a", "b", "c")
    if to:
        net.elect()
    net.call("a", "transfer", to)
    assert net.events("a", TermEnding) == []


# ---- eligibility


def test_who_is_not_eligible_does_not_campaign_and_nobody_waits_for_it() -> None:
    net = Net("a", "b", "c")
    net.call("a", "set_eligible", False)
    assert net.elect() == "b"
    assert net.now < 1.25 * T + 0.02
    net.crash("b")
    net.crash("c")
    net.start("b", campaigns=False)
    net.run(3 * T)
    assert net.leader() is None
    net.call("a", "set_eligible", True)
    assert net.elect(within=0.02) == "a"


def test_a_leader_that_is_not_eligible_any_more_drains() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.call("a", "set_eligible", False)
    assert net.events("a", TermEnding) == [TermEnding(reason=EndingReason.INELIGIBLE)]
    net.run(0.03)
    assert net.leader() == "b"


def test_a_lease_that_comes_too_late_to_be_kept_back_drains_at_once() -> None:
    net = Net("a", "b", "c")
    net.run_until(lambda: net.peers["a"].node.lease.may_be_granted, within=T * 2)
    net.call("a", "set_eligible", False)
    net.run(LATENCY_S * 3)
    told = [type(event) for event in net.events("a", Elected, TermEnding)]
    assert told == [Elected, TermEnding]
    net.run(0.03)
    assert net.leader() == "b"


# ---- preemption


def test_a_higher_priority_takes_over_only_where_it_is_to_preempt() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.start("d", priority=5)
    net.run(2 * 60.0)
    assert net.leader() == "a"


def test_a_leader_hands_over_to_a_higher_priority_after_its_minimum_tenure() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, minimum_tenure=10.0)
    net.elect()
    elected = net.now
    net.start("d", priority=5, preempt=True)
    net.run_until(lambda: net.events("a", TermEnding), within=11.0)
    assert elected + 10.0 <= net.now <= elected + 10.0 + T
    assert net.events("a", TermEnding) == [TermEnding(reason=EndingReason.PREEMPTED, heir="d")]
    assert net.leader() == "a"
    net.run(0.02)
    assert net.leader() == "d"
    net.run(2 * 60.0)
    assert net.leader() == "d"


def test_who_asks_must_be_eligible_and_really_higher() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=5, minimum_tenure=0.0)
    net.elect()
    net.start("d", priority=5, preempt=True)
    net.start("e", priority=6, preempt=True)
    net.call("e", "set_eligible", False)
    net.run(3 * T)
    assert net.leader() == "a"
    net.call("e", "set_eligible", True)
    net.run(T)
    assert net.leader() == "e"


def test_of_several_that_ask_the_heaviest_becomes_the_heir() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, minimum_tenure=10.0)
    net.elect()
    for name, priority in (("d", 5), ("e", 7), ("f", 6)):
        net.start(name, priority=priority, preempt=True)
    net.run_until(lambda: net.events("a", TermEnding), within=11.0)
    assert net.events("a", TermEnding)[0].heir == "e"


def test_who_asked_and_died_does_not_become_the_heir() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, minimum_tenure=10.0)
    net.elect()
    for name, priority in (("d", 5), ("e", 7)):
        net.start(name, priority=priority, preempt=True)
    net.run(5.0)
    net.crash("e")
    net.run_until(lambda: net.events("a", TermEnding), within=11.0)
    assert net.events("a", TermEnding)[0].heir == "d"


def test_who_does_not_ask_any_more_does_not_become_the_heir() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, minimum_tenure=10.0)
    net.elect()
    for name, priority in (("d", 5), ("e", 7)):
        net.start(name, priority=priority, preempt=True)
    net.run(5.0)
    net.crash("e")
    net.start("e", priority=7)
    net.run_until(lambda: net.events("a", TermEnding), within=11.0)
    assert net.events("a", TermEnding)[0].heir == "d"


def test_news_of_leading_is_sent_once_for_each_extension() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.run(T / 3 * 3 + 0.1)
    assert len(net.bodies(Leading, "a")) == 4 * 2
