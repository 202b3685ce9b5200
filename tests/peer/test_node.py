"""PeerNode: elections and terms, from the first event to the last, over an imaginary network."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tenure.errors import ConfigurationError
from tenure.events import (
    CampaignStarted,
    Elected,
    LeaderChanged,
    LossReason,
    Lost,
    MemberAdded,
    MemberRemoved,
    Overrun,
    RecordTrouble,
    Released,
    Renewed,
    TermEnding,
)
from tenure.peer.ballot import Ballot
from tenure.peer.electorate import Electorate
from tenure.peer.messages import Accept, Held, Leading, Ping, Pong, Prepare, Promise
from tenure.states import State
from tenure.timing import Timing
from tests.peer.net import Net

T = 2.0
M = 1.25 * T
D = T * 2 / 3


# ---- elections


def test_a_candidate_and_its_voters_must_agree_about_the_lease() -> None:
    with pytest.raises(ConfigurationError, match=r"lease of the voters \(2 s\) .* lease_duration \(15 s\)"):
        Net().start("a", electorate=Electorate(voters=("a",)), timing=Timing())
    with pytest.raises(ConfigurationError, match="clock-rate bounds of the voters"):
        Net().start(
            "a", electorate=Electorate(voters=("a",)), timing=Timing(lease_duration=T, clock_rate_bound=0.05)
        )


def test_nobody_is_elected_before_every_lease_that_may_have_been_granted_has_run_out() -> None:
    net = Net("a", "b", "c")
    net.run(M)
    assert net.events("a", Elected) == []
    assert net.bodies(Promise) == []
    assert net.elect(within=0.02) == "a"


def test_voters_that_start_one_after_another_elect_as_soon_as_a_majority_grants() -> None:
    net = Net("a", "b", voters="abc")
    net.run(1.0)
    net.crash("b")
    net.run(1.0)
    net.start("c")
    assert net.elect() in "ac"
    assert 2.0 + M <= net.now < 2.0 + M + T / 2


def test_one_voter_for_a_trial_elects_itself() -> None:
    net = Net("a")
    assert net.elect() == "a"
    assert M <= net.now < M + 0.02
    net.run(10.0)
    assert net.leader() == "a"
    assert net.sent == []


@pytest.mark.parametrize("heaviest", ["a", "b", "d", "e"])
def test_the_heaviest_candidate_is_elected_voter_or_not(heaviest: str) -> None:
    net = Net(voters="abc")
    for name in "abcde":
        net.start(name, priority=7 if name == heaviest else 3)
    assert net.elect() == heaviest
    assert net.now < M + 0.02


def test_of_equals_the_first_name_is_elected() -> None:
    net = Net("e", "d", "c", "b", voters="bcd")
    assert net.elect() == "b"
    assert len(net.bodies(Prepare)) == 2  # to the other voters: nobody else has tried


def test_a_candidate_that_is_dead_is_not_waited_for_longer_than_a_head_start() -> None:
    net = Net("a", "b", "c", "d", voters="bcd")
    net.run(M - 0.1)
    net.crash("a")
    assert net.elect() == "b"
    assert M + net.timing.head_start <= net.now < M + net.timing.head_start + 0.02


def test_who_does_not_campaign_is_not_waited_for() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", campaigns=False)
    assert net.elect() == "b"
    assert net.now < M + 0.02


def test_a_candidate_that_campaigns_late_or_becomes_eligible_makes_itself_known_at_once() -> None:
    net = Net(*(f"m{number:02}" for number in range(30)), voters=("m10", "m11", "m12"))
    for name in ("m00", "m01"):
        net.crash(name)
    net.start("m00", priority=9, campaigns=False)
    net.start("m01", priority=8)
    net.call("m01", "set_eligible", False)
    net.run(M - 0.1)
    net.call("m01", "set_eligible", True)
    net.call("m00", "campaign")
    assert net.elect(within=0.2) == "m00"
    assert {each.sender for each in net.sent if isinstance(each.body, Prepare)} == {"m00"}
    net.run(0.1)
    net.crash("m00")
    assert net.elect() == "m01"
    assert {each.sender for each in net.sent if isinstance(each.body, Prepare)} == {"m00", "m01"}


def test_after_a_crash_the_next_is_elected_when_the_lease_has_run_out() -> None:
    net = Net("a", "b", "c", "d", "e")
    net.elect()
    net.run(5.0)
    leading = net.events("a", Renewed)[-1].deadline - D
    net.crash("a")
    assert net.elect() == "b"
    assert leading + T <= net.now < leading + T + 0.03
    net.run(0.01)
    assert net.events("c", LeaderChanged)[-1].leader == "b"


def test_when_those_that_come_first_are_gone_as_well_the_others_follow() -> None:
    net = Net("a", "b", "c", "d", "e", voters="ade")
    net.elect()
    for name in "abc":
        net.crash(name)
    net.start("a")
    net.run_until(net.leader, within=T + M)
    assert net.leader() in ("d", "e")


def test_two_that_take_each_other_for_dead_do_not_collide_for_ever() -> None:
    net = Net("x", "y", "a", "b", "c", voters="abc")
    net.cuts = {("x", "y"), ("y", "x")}
    for name in "abc":
        net.call(name, "set_eligible", False)
    assert net.elect(within=M + T / 2) in ("x", "y")


def test_a_leader_keeps_its_term_where_every_fifth_message_is_lost() -> None:
    net = Net("a", "b", "c", "d", "e")
    net.elect()
    net.loss = 0.2
    net.run(60 * T)
    assert net.events("a", Lost) == []


# ---- a term


def test_events_of_a_quiet_term_come_in_the_order_of_an_election_by_lock() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.run(1.0)
    net.call("a", "resign")
    net.run(0.1)
    told = [type(event) for event in net.events("a", object) if not isinstance(event, MemberAdded)]  # type: ignore[type-var]
    assert told == [
        CampaignStarted,
        LeaderChanged,  # nobody is known
        Elected,
        LeaderChanged,  # itself
        Renewed,
        TermEnding,
        LeaderChanged,  # it holds the lease without a valid term
        Released,
        LeaderChanged,  # the place is free
        LeaderChanged,  # the next one
    ]


def test_a_term_counts_from_the_sending_of_prepare() -> None:
    net = Net("a", "b", "c")
    net.elect()
    sent = next(each.at for each in net.sent if isinstance(each.body, Prepare))
    assert net.events("a", Elected)[0].deadline == sent + D
    net.run(T / 3)
    extended = next(each.at for each in net.sent if isinstance(each.body, Prepare) and each.at > sent)
    assert extended == pytest.approx(sent + T / 3)
    assert net.events("a", Renewed)[0].deadline == extended + D


def test_a_leader_without_a_majority_loses_at_the_deadline_and_does_not_come_back_before_it_has_one() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.run(1.0)
    deadline = net.peers["a"].node.deadline
    net.isolate("a")
    net.run_until(lambda: net.events("a", Lost), within=D)
    assert net.now == deadline
    assert net.events("a", Lost) == [Lost(reason=LossReason.RENEW_DEADLINE)]
    assert net.elect(within=T) == "b"
    net.run(5 * T)
    assert net.state("a") is State.CAMPAIGNING
    assert net.events("a", LeaderChanged)[-1].leader is None
    net.heal()
    net.run(T)
    assert net.events("a", LeaderChanged)[-1].leader == "b"
    assert net.leader() == "b"
    assert len(net.events("a", Elected)) == 1


def test_a_leader_that_cannot_be_heard_loses_as_well() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.cuts = {("a", "")}
    net.run(T)
    assert net.events("a", Lost) == [Lost(reason=LossReason.RENEW_DEADLINE)]
    assert net.elect(within=T) == "b"


def test_a_leader_that_lost_its_term_may_have_its_own_lease_back_at_once() -> None:
    net = Net("a", "b", "c")
    net.elect()
    deadline = net.peers["a"].node.deadline
    net.isolate("a")
    net.run_until(lambda: net.events("a", Lost), within=D)
    net.heal()
    assert net.elect(within=T - D) == "a"
    assert net.now < deadline - D + T
    assert len(net.events("a", Elected)) == 2


def test_a_paused_leader_has_lost_when_it_wakes_and_sends_nothing_for_its_old_term() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.pause("a")
    net.run(3 * T)
    assert net.leader() == "b"
    woken = net.now
    net.wake("a")
    assert net.events("a", Lost) == [Lost(reason=LossReason.RENEW_DEADLINE)]
    net.run(T)
    assert net.bodies(Leading, "a", since=woken) == []
    assert net.leader() == "b"


def test_a_body_that_runs_on_after_the_loss_overruns_at_the_hard_limit_and_no_campaign_begins_before() -> (
    None
):
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, body_s=math.inf)
    net.elect()
    deadline = net.peers["a"].node.deadline
    net.isolate("a")
    net.run_until(lambda: net.events("a", Overrun), within=T)
    assert net.now == pytest.approx(deadline - D + 0.99 * T)
    net.heal()
    net.run(3 * T)
    assert net.state("a") is State.LOST
    assert len(net.events("a", CampaignStarted)) == 1
    net.call("a", "body_ended")
    assert net.state("a") is State.CAMPAIGNING
    assert len(net.events("a", Overrun)) == 1


def test_who_has_lost_its_term_is_told_who_leads_while_its_body_still_runs() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=1, body_s=math.inf)
    net.elect()
    net.isolate("a")
    net.run(D)
    assert net.events("a", LeaderChanged)[-1].reason == "this candidate holds the lease without a valid term"
    net.elect()
    net.heal()
    net.run(T / 2)
    assert net.state("a") is State.LOST
    assert net.events("a", LeaderChanged)[-1].leader == "b"


def test_a_leader_that_hears_of_a_later_term_has_lost_and_of_an_earlier_one_has_not() -> None:
    net = Net("a", "b", "c")
    net.elect()
    token = int(net.events("a", Elected)[0].token)
    for later in (0, 1):
        body = Leading(token - 1 + 2 * later, T)
        net.deliver(replace(net.peers["b"].node._envelope(body), highest=100), ("b", 7), ("a", 7))
        assert len(net.events("a", Lost)) == later
    assert net.events("a", Lost) == [Lost(reason=LossReason.OTHER_HOLDER)]


def test_a_fault_of_the_driver_is_a_loss() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.call("a", "fail")
    assert net.events("a", Lost) == [Lost(reason=LossReason.INTERNAL_ERROR)]
    assert net.elect(within=T) == "a"


def test_a_fault_without_a_term_loses_nothing() -> None:
    net = Net("a", "b", "c")
    net.call("a", "fail")
    assert net.events("a", Lost) == []
    assert net.state("a") is State.CAMPAIGNING


@pytest.mark.parametrize("state", [State.IDLE, State.CAMPAIGNING])
def test_a_body_cannot_end_where_none_has_begun(state: State) -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", campaigns=state is State.CAMPAIGNING)
    with pytest.raises(RuntimeError, match=f"impossible transition: release while {state}"):
        net.call("a", "body_ended")


def test_a_second_campaign_is_impossible() -> None:
    net = Net("a", "b", "c")
    with pytest.raises(RuntimeError, match="impossible transition: campaign"):
        net.call("a", "campaign")


# ---- voters


def test_a_candidate_that_is_cut_off_from_the_leader_does_not_disturb_it() -> None:
    net = Net("a", "b", "c", "d")
    net.elect()
    net.cuts = {("a", "d")}
    net.run(10 * T)
    assert net.bodies(Prepare, "d") != []
    assert net.bodies(Held) != []
    assert net.events("a", Lost) == []
    assert {renewed.late_s for renewed in net.events("a", Renewed)} == {0.0}


def test_a_voter_that_restarts_is_silent_until_what_it_may_have_granted_has_run_out() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.crash("c")
    net.start("c")
    restarted = net.now
    net.crash("b")
    net.run_until(lambda: net.events("a", Lost), within=T)
    assert net.elect() in ("a", "c")
    assert restarted + M <= net.now < restarted + M + T / 2
    votes = [each.at for each in net.sent if each.sender == "c" and isinstance(each.body, Promise | Accept)]
    assert not any(restarted < at < restarted + M for at in votes)


def test_a_voter_that_has_restarted_learns_how_far_the_others_have_come() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.run(10.0)
    highest = net.peers["a"].node.lease.highest
    net.crash("c")
    peer = net.start("c")
    net.run(0.1)
    assert peer.node.lease.acceptor is not None
    assert peer.node.lease.acceptor.promised.round >= highest > 10


# ---- members


def test_members_come_and_go_with_an_event_each() -> None:
    net = Net("a", "b", "c")
    net.run(0.1)
    assert net.events("a", MemberAdded) == [
        MemberAdded(member="b", address="b:7"),
        MemberAdded(member="c", address="c:7"),
    ]
    net.call("b", "leave")
    net.crash("b")
    net.run(0.1)
    assert net.events("a", MemberRemoved) == [MemberRemoved(member="b")]
    net.crash("c")
    net.run(1.5 * T)
    assert net.events("a", MemberRemoved)[1:] == [MemberRemoved(member="c")]


def test_a_member_that_restarts_elsewhere_is_the_same_member() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.crash("c")
    net.start("c", port=8)
    net.run(T)
    assert len(net.events("a", MemberAdded)) == 2
    assert net.events("a", MemberRemoved) == []
    net.crash("b")
    net.run(3 * T)
    assert net.leader() == "a"  # by the vote of the one that has moved


def test_names_are_learned_where_discovery_tells_only_addresses() -> None:
    net = Net("a", "b", "c", "d", named=False)
    assert net.elect() == "a"
    net.run(T)
    assert {net.events(name, LeaderChanged)[-1].leader for name in "abcd"} == {"a"}
    net.run(0.1)
    net.crash("a")
    assert net.elect() == "b"


def test_who_is_missed_by_one_is_looked_for_by_others() -> None:
    net = Net(*(f"m{number:02}" for number in range(20)))
    net.run(2.0)
    members = net.peers["m00"].node.members
    quiet = [m for m in members if net.now - m.heard_at > T / 4 and m.name != "m01"]
    assert members._urgent == {}
    body = Ping(1, missed=(quiet[0].name, "who?"))
    net.deliver(net.peers["m01"].node._envelope(body), ("m01", 7), ("m00", 7))
    assert list(members._urgent) == [quiet[0].address]


def test_a_newcomer_hears_who_leads_and_does_not_campaign() -> None:
    net = Net("a", "b", "c")
    net.elect()
    net.start("d")
    net.run(T / 2)
    assert net.events("d", LeaderChanged)[-1].leader == "a"
    net.run(3 * T)
    assert net.bodies(Prepare, "d") == []


def cost_of(size: int) -> tuple[float, float]:
    """Return messages per second that a follower and the leader of a quiet election send."""
    net = Net(*(f"m{number:03}" for number in range(size)))
    assert net.elect() == "m000"
    net.run(1.0)
    since = net.now
    net.run(4.0)
    sent = [each.sender for each in net.sent if each.at >= since]
    return sent.count(f"m{size - 1:03}") / 4, sent.count("m000") / 4


def test_a_follower_costs_no_more_among_a_hundred_and_a_leader_tells_each_thrice_in_a_lease() -> None:
    most = 3 * 2 / (T / 4)  # three pings in a quarter of a lease, and as many answers
    sizes = (5, 20, 100)
    followers, leaders = zip(*(cost_of(size) for size in sizes), strict=True)
    assert max(followers) <= most + 2
    for size, leader in zip(sizes, leaders, strict=True):
        assert leader <= (most + 2) + (size - 1) * 3 / T * 1.1 + 12


def test_pings_are_answered_by_their_number() -> None:
    net = Net("a", "b", "c")
    net.run(0.1)
    asked = [each.body.number for each in net.sent if each.receiver == "b" and isinstance(each.body, Ping)]
    assert [body.number for body in net.bodies(Pong, "b")] == asked != []


def test_a_list_of_addresses_may_contain_ones_own() -> None:
    net = Net("a", "b", "c", named=False)
    net.call("a", "set_peers", [("", ("a", 7)), ("", ("b", 7)), ("", ("c", 7))])
    net.run(0.01)
    assert net.events("a", RecordTrouble) == []
    found = net.now
    assert net.elect() == "a"
    net.run(3 * T)
    assert [each for each in net.sent if each.sender == each.receiver and each.at >= found] == []


def test_a_namesake_is_reported_once_and_takes_part_in_nothing() -> None:
    net = Net("a", "b", "c")
    net.elect()
    other = net.peers["b"].node.incarnation
    ballot = Ballot(100, other)
    for body in (Prepare(ballot), Leading(100, T), Ping(1)):
        envelope = net.peers["b"].node._envelope(body)
        net.deliver(replace(envelope, sender="a"), ("z", 7), ("a", 7))
    trouble = "another process takes part as 'a': every peer needs a name of its own"
    assert net.events("a", RecordTrouble) == [RecordTrouble(message=trouble)]
    assert net.leader() == "a"
    assert [each for each in net.sent if each.receiver == "z"] == []
