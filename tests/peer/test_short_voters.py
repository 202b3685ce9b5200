"""A candidate whose lease is longer than voters grant: it says so, once, and disturbs nobody."""

from __future__ import annotations

from tenure.events import Elected, RecordTrouble
from tenure.handover import Preference
from tenure.peer.electorate import Electorate
from tenure.peer.messages import Prepare
from tenure.peer.turn import Turn
from tenure.timing import Timing
from tests.peer.net import Net, Peer

T = 2.0
LONG = 4.0
SAID = "{} would forget a lease of 4 s by a restart, and grant none: raise longest_lease there first"


def start_with_long_lease(net: Net, name: str) -> Peer:
    electorate = Electorate(voters=net.electorate.voters, lease=LONG, longest_lease=1.25 * LONG)
    return net.start(name, electorate=electorate, timing=Timing(lease_duration=LONG))


def said(net: Net, name: str) -> list[str]:
    return [event.message for event in net.events(name, RecordTrouble)]


def test_the_first_voter_that_refuses_is_named_once() -> None:
    net = Net("a", "b", "c")
    for name in "abc":
        net.call(name, "set_eligible", False)
    start_with_long_lease(net, "d")
    net.run(20 * LONG)
    assert net.events("d", Elected) == []
    assert said(net, "d") == [SAID.format("a")]


def test_who_cannot_win_does_not_try_all_the_time() -> None:
    net = Net("a", "b", "c")
    for name in "abc":
        net.call(name, "set_eligible", False)
    start_with_long_lease(net, "d")
    net.run(20 * LONG)
    assert len(net.bodies(Prepare, "d")) <= 21 * 3


def test_who_leads_by_other_voters_does_not_stand_back() -> None:
    turn = Turn("a", Timing(lease_duration=T), Preference(), lambda: 1.0)
    assert turn.failed(1.0, "b", in_term=True)
    assert turn.retry_at < 1.0 + T / 6
    assert not turn.failed(2.0, "b")
    assert turn.retry_at == 2.0 + T
    assert not turn.failed(3.0)
    assert turn.failed(4.0, "b, c")


def test_who_grants_it_by_now_is_not_named() -> None:
    net = Net("a", "b", "c")
    for name in "abc":
        net.call(name, "set_eligible", False)
    node = start_with_long_lease(net, "d").node
    net.run(4 * LONG)
    for name in "abc":
        net.crash(name)
        start_with_long_lease(net, name)
        net.call(name, "set_eligible", False)
    assert net.elect() == "d"
    net.run(2 * LONG)
    assert "a" not in node.lease.short
