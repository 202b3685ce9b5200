"""RegisteredNode: peers elect, the API numbers their terms, and while a leader stays it is not asked."""

from __future__ import annotations

import pytest

from tenure.events import (
    CampaignStarted,
    Elected,
    EndingReason,
    Event,
    LeaderChanged,
    Lost,
    MemberAdded,
    RecordTrouble,
    Released,
    Renewed,
    TermEnding,
)
from tenure.peer.messages import Leading
from tenure.record import Record
from tenure.requests import ReadRequest, WriteRequest
from tenure.states import State
from tenure.token import FencingToken
from tests.peer.api import PATIENCE_S, RegisteredNet

T = 2.0
M = 1.25 * T
D = T * 2 / 3
NO_TOKEN = "elected without a fencing token, since the API server has not taken the name: fences refuse it"


def proving(net: RegisteredNet) -> list[str]:
    return [name for name, peer in net.peers.items() if peer.node.state is State.PROVING]


def writes(net: RegisteredNet) -> list[WriteRequest]:
    return [request for _, _, request in net.asked if isinstance(request, WriteRequest)]


# ---- as it goes


def test_a_leader_leads_only_when_its_name_is_written_and_its_token_is_the_version_of_that_write() -> None:
    net = RegisteredNet("a", "b", "c")
    net.store.version = 0
    net.run_until(lambda: proving(net), within=M + 0.1)
    assert net.leader() is None
    assert net.events("a", Elected) == []
    assert net.bodies(Leading) == []
    net.elect(within=0.1)
    record = net.store.head.record
    assert isinstance(record, Record)
    assert record.holder == "a"
    (elected,) = net.events("a", Elected)
    assert elected.token == FencingToken(0, net.store.version, uid="uid1")
    assert elected.token.uid == "uid1"
    net.run(0.01)
    assert net.events("b", LeaderChanged)[-1].token == elected.token


def test_a_term_counts_from_its_prepare_not_from_its_write() -> None:
    net = RegisteredNet("a", "b", "c")
    net.latency_s = 0.2
    net.run_until(lambda: proving(net), within=M + 0.1)
    won = net.now
    net.elect()
    assert net.now >= won + 0.2
    assert net.events("a", Elected)[0].deadline <= won + D


def test_events_come_in_the_order_of_an_election_by_lock() -> None:
    net = RegisteredNet("a", "b", "c")
    net.elect()
    net.run(1.0)
    net.call("a", "resign")
    net.run(0.1)
    told = [type(event) for event in net.events("a", Event) if not isinstance(event, MemberAdded)]
    assert told == [
        CampaignStarted,
        LeaderChanged,  # nobody is known
        LeaderChanged,  # it holds the lease without a valid term
        Elected,
        LeaderChanged,  # itself
        Renewed,
        TermEnding,
        LeaderChanged,  # it holds the lease without a valid term
        Released,
        LeaderChanged,  # the place is free
        LeaderChanged,  # the next one
    ]


def test_while_a_leader_stays_the_api_is_not_asked() -> None:
    net = RegisteredNet("a", "b", "c", "d")
    net.elect()
    assert len(net.asked) == 4 + 2  # each has looked once at its start
    net.run(100 * T)
    assert len(net.asked) == 4 + 2
    assert len(net.events("a", Renewed)) > 100
    net.crash("a")
    net.elect()
    assert len(net.asked) == 4 + 4


def test_a_change_of_leader_writes_over_its_predecessor_with_a_higher_token() -> None:
    net = RegisteredNet("a", "b", "c")
    net.elect()
    net.store.touch()
    net.call("a", "transfer", "c")
    net.run(0.1)
    assert net.leader() == "c"
    assert net.events("c", Elected)[0].token > net.events("a", Elected)[0].token
    record = net.store.head.record
    assert isinstance(record, Record)
    assert (record.holder, record.transitions) == ("c", 1)


def test_tokens_carry_the_epoch() -> None:
    net = RegisteredNet(voters="abc")
    net.node_options = {"epoch": 3, "election": "default/reports"}
    for name in "abc":
        net.start(name)
    net.elect()
    net.run(0.01)
    token = FencingToken(3, 1, "default/reports")
    assert net.events("a", Elected)[0].token == token
    assert net.events("b", LeaderChanged)[-1].token == token


# ---- answers that come late, or not at all


def test_a_lost_answer_is_found_by_reading() -> None:
    net = RegisteredNet("a", "b", "c")
    net.run_until(lambda: writes(net), within=M + 0.1)
    net.loses_answers = True
    net.run(PATIENCE_S - 0.1)
    assert net.store.version == 1
    net.loses_answers = False
    net.elect(within=D)
    assert len(writes(net)) == 1
    assert net.events("a", Elected)[0].token.version == 1


def test_a_conflict_is_resolved_by_reading() -> None:
    net = RegisteredNet("a", "b", "c")
    net.store.put(Record(holder="z"))
    net.run_until(lambda: writes(net), within=M + 0.1)
    net.store.touch()
    net.elect(within=0.1)
    assert len(writes(net)) == 2
    assert net.events("a", Elected)[0].token.version == net.store.version


def test_an_answer_that_comes_when_the_lease_is_over_elects_nobody() -> None:
    net = RegisteredNet("a", "b", "c")
    net.run_until(lambda: writes(net), within=M + 0.1)
    net.pause("a")  # its write is done meanwhile
    net.run(D + 0.1)
    net.wake("a")
    assert net.events("a", Elected) == []
    assert net.state("a") is State.CAMPAIGNING
    net.run(3 * T)
    assert net.events(net.elect(), Elected)[-1].token.version == net.store.version


def test_a_leader_that_is_cut_off_while_it_writes_is_not_elected_after_its_lease() -> None:
    net = RegisteredNet("a", "b", "c")
    net.run_until(lambda: proving(net), within=M + 0.1)
    net.isolate("a")
    net.latency_s = D + 0.2
    net.run(D + 0.3)
    assert net.events("a", Elected) == []
    assert net.events("a", Lost) == []  # it had no term yet


# ---- the API is down


def test_without_the_api_nobody_is_elected_and_each_leaves_the_others_time_to_try() -> None:
    net = RegisteredNet("a", "b", "c")
    net.run(0.1)
    net.is_down = True
    held: set[str] = set()
    for _ in range(200):
        net.run(0.1)
        held.update(proving(net))
        assert len(proving(net)) <= 1
    assert held == {"a", "b", "c"}
    assert net.leader() is None
    assert [each for each in net.told if isinstance(each.event, Elected | Lost)] == []
    net.is_down = False
    net.elect(within=T + D)


def test_a_candidate_that_cannot_reach_the_api_gives_the_lease_back_after_a_deadline() -> None:
    net = RegisteredNet("a", "b", "c")
    net.run_until(lambda: proving(net), within=M + 0.1)
    assert proving(net) == ["a"]
    net.is_down = True
    won = net.now
    net.run_until(lambda: not proving(net), within=D + 0.1)
    assert net.now == pytest.approx(won + D)
    net.is_down = False
    gave_up = net.now
    assert net.elect(within=0.1) == "b"
    net.run(2 * T)
    assert [name for at, name, _ in net.asked if name == "a" and at > gave_up] == []


def test_without_the_api_a_leader_stays() -> None:
    net = RegisteredNet("a", "b", "c")
    net.elect()
    net.is_down = True
    net.run(20 * T)
    assert net.leader() == "a"
    assert net.events("a", Lost) == []


def test_where_it_is_wanted_somebody_is_elected_without_a_token_and_says_so() -> None:
    net = RegisteredNet(voters="abc")
    net.node_options = {"on_outage": "elect", "epoch": 3}
    for name in "abc":
        net.start(name)
    net.run(0.1)
    net.is_down = True
    net.run_until(lambda: proving(net), within=M)
    won = net.now
    net.elect(within=D + 0.1)
    assert net.now == pytest.approx(won + D)
    (elected,) = net.events("a", Elected)
    assert int(elected.token) == 0
    assert net.events("a", RecordTrouble) == [RecordTrouble(message=NO_TOKEN)]
    net.run(10 * T)
    assert net.leader() == "a"
    net.is_down = False
    net.run(T)
    record = net.store.head.record
    assert isinstance(record, Record)
    assert record.holder == "a"  # for people; its term goes on as it began
    assert len(net.events("a", Elected)) == 1
    asked = len(net.asked)
    net.run(10 * T)
    assert len(net.asked) == asked
    net.call("a", "transfer", "b")
    net.run(0.1)
    assert net.events("b", Elected)[0].token == FencingToken(3, net.store.version)


def test_late_news_of_a_numbered_term_ends_none_that_has_no_token() -> None:
    net = RegisteredNet(voters="abc")
    net.node_options = {"on_outage": "elect"}
    for name in "abc":
        net.start(name)
    net.run(0.1)
    net.is_down = True
    assert net.elect(within=3 * T) == "a"
    former = net.peers["c"]
    late = former.node._envelope(Leading(5, T))
    net.deliver(late, former.address, net.peers["a"].address)
    assert net.leader() == "a"
    assert net.events("a", Lost) == []


def test_the_api_is_not_waited_for_longer_than_half_of_what_is_left() -> None:
    net = RegisteredNet("a", "b", "c")
    net.run_until(lambda: proving(net), within=M + 0.1)
    won = net.now
    node = net.peers["a"].node
    request = net.asked[-1][2]
    assert isinstance(request, ReadRequest)
    node.receive_failure(request, won, retry_after_s=3600.0)  # type: ignore[attr-defined]
    assert node._registration.request_at == pytest.approx(won + D / 2)  # type: ignore[attr-defined]


# ---- an object that cannot be read


def test_an_object_that_cannot_be_read_is_reported_once_and_keeps_everybody_from_leading() -> None:
    net = RegisteredNet(voters="abc")
    net.garbled = True
    for name in "abc":
        net.start(name)
    net.run(M)
    trouble = RecordTrouble(message="data.elected is a list")
    assert net.events("b", RecordTrouble) == [trouble]
    assert len(net.asked) == 3
    net.run(5 * T)
    assert net.leader() is None
    assert writes(net) == []
    net.garbled = False
    net.elect(within=T + D)


# ---- giving up


def test_who_resigns_while_it_writes_gives_the_lease_back_at_once() -> None:
    net = RegisteredNet("a", "b", "c")
    net.run_until(lambda: proving(net), within=M + 0.1)
    net.call("a", "resign")
    assert net.state("a") is State.IDLE
    assert net.elect(within=0.1) == "b"
    assert net.events("a", Elected) == []


def test_who_became_ineligible_while_it_wrote_drains_at_once() -> None:
    net = RegisteredNet("a", "b", "c")
    net.run_until(lambda: proving(net), within=M + 0.1)
    net.call("a", "set_eligible", False)
    net.run(0.1)
    assert net.events("a", TermEnding) == [TermEnding(reason=EndingReason.INELIGIBLE)]
    assert net.leader() == "b"


def test_a_body_cannot_end_where_none_has_begun() -> None:
    net = RegisteredNet("a", "b", "c")
    net.run_until(lambda: proving(net), within=M + 0.1)
    with pytest.raises(RuntimeError, match="impossible transition: release while proving"):
        net.call("a", "body_ended")


# ---- an API that is slow


@pytest.mark.parametrize("latency_s", [0.7 * D, 1.5 * D, 3 * D])
def test_where_the_api_is_slow_somebody_leads_all_the_same(latency_s: float) -> None:
    net = RegisteredNet("a", "b", "c")
    net.latency_s = latency_s
    net.elect(within=60.0)
    assert min(request.timeout for _, _, request in net.asked[-2:]) >= latency_s


def test_who_does_not_reach_the_api_gives_way_as_soon_as_ever_once_somebody_else_has() -> None:
    net = RegisteredNet("b", "c")
    net.start("a", priority=1)
    net.is_down = True
    net.run(20 * T)
    net.is_down = False
    leader = net.elect()
    net.run(T)
    net.is_down = True
    net.call(leader, "resign")
    net.run_until(lambda: proving(net), within=T)
    [second] = proving(net)
    net.run(D)
    assert net.state(second) is State.CAMPAIGNING
