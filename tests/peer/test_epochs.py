"""PeerNode: voters and durations change while the election goes on, one restart after another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenure.events import Elected
from tenure.peer.electorate import Electorate
from tenure.peer.messages import Nack, Propose
from tenure.timing import Timing
from tests.peer.net import Net

T = 2.0
M = 1.25 * T
THREE = Electorate(voters=("a", "b", "c"))
FIVE = Electorate(voters=("a", "b", "c", "d", "e"), previous=("a", "b", "c"), epoch=1)


def roll(net: Net, electorate: Electorate, timing: Timing | None = None) -> None:
    """Restart one after another, as a StatefulSet does, the last one first."""
    for name in sorted(net.peers, reverse=True):
        net.call(name, "resign")
        net.run(0.2)
        net.call(name, "leave")
        net.crash(name)
        net.run(0.2)
        net.start(name, electorate=electorate, timing=timing)
        net.run(M + T)


def electorates(net: Net) -> set[Electorate]:
    return {peer.node.lease.electorate for peer in net.peers.values()}


def test_three_voters_become_five_while_somebody_leads() -> None:
    net = Net("a", "b", "c", "d", "e")
    net.elect()
    roll(net, FIVE)
    assert net.leader() is not None
    net.run(M + T)
    assert electorates(net) == {FIVE.alone()}
    for name in sorted(net.peers, key=lambda name: name != net.leader())[:2]:
        net.crash(name)
    assert net.elect(within=T + M) in net.peers  # by three of five


def test_five_voters_become_three() -> None:
    net = Net("a", "b", "c", "d", "e", voters="abcde")
    net.elect()
    three = Electorate(voters=("a", "b", "c"), previous=("a", "b", "c", "d", "e"), epoch=1)
    roll(net, three)
    net.run(M + T)
    assert electorates(net) == {three.alone()}
    net.crash("d")
    net.crash("e")
    net.run(0.1)
    net.crash(net.elect(within=T + M))
    assert net.elect(within=T + M) in "abc"  # by two of three


def test_until_the_change_is_complete_the_voters_before_are_needed() -> None:
    net = Net("a", "b", "c", "d", "e")
    net.elect()
    for name in ("c", "d", "e"):
        net.crash(name)
        net.start(name, electorate=FIVE)
        net.run(M)
    assert electorates(net) == {THREE, FIVE}
    net.crash("a")
    net.crash("b")
    net.run(5 * T)
    assert net.leader() is None  # three of five, but one of the three before
    net.start("b", electorate=FIVE)
    net.elect(within=M + T)


def test_who_was_not_told_of_the_change_is_not_elected_any_more() -> None:
    net = Net("b", "c", voters="abc")
    net.start("a", priority=5)
    net.start("d", electorate=FIVE)
    net.start("e", electorate=FIVE)
    assert net.elect() == "a"
    for name in "bc":
        net.crash(name)
        net.start(name, electorate=FIVE)
    net.run(3 * (M + T))
    assert net.leader() in ("b", "c", "d", "e")
    for _ in range(10):
        net.crash(net.elect(within=3 * T))
        net.run(T)
        if len(net.peers) == 3:
            break
    assert len(net.events("a", Elected)) == 1


def test_a_lease_that_voters_would_forget_by_a_restart_is_not_granted() -> None:
    net = Net("a", "b", "c")
    longer = Electorate(voters=("a", "b", "c"), epoch=1, lease=4.0, longest_lease=5.0)
    net.start("x", electorate=longer, timing=Timing(lease_duration=4.0), priority=5)
    net.run(5 * M)
    assert net.leader() == "a"
    assert net.events("x", Elected) == []
    net.call("a", "transfer", "x")
    net.run(0.1)
    assert net.bodies(Propose, "x") != []
    assert net.bodies(Nack) != []
    assert net.events("x", Elected) == []
    assert net.elect(within=1.0) in "abc"


def test_a_lease_and_the_silence_after_a_start_must_not_be_lowered_at_once() -> None:
    net = Net("a", "b", "c", lease=15.0)
    net.elect(within=30.0)
    net.run(1.0)
    for name in "cb":
        net.crash(name)
        net.start(name, electorate=THREE, timing=Timing(lease_duration=T))
    with pytest.raises(AssertionError, match="a and b lead"):
        net.run(15.0)


def test_the_lease_is_lowered_everywhere_and_then_the_silence() -> None:
    net = Net("a", "b", "c", lease=15.0)
    net.elect(within=30.0)
    net.run(1.0)
    for electorate in (replace(THREE, longest_lease=1.25 * 15.0), THREE):
        for name in "cba":
            net.crash(name)
            net.start(name, electorate=electorate, timing=Timing(lease_duration=T))
            net.run(1.0)
        net.elect(within=30.0)
    net.run(15.0)
    assert net.leader() is not None


def test_the_longest_lease_is_raised_everywhere_and_then_the_lease() -> None:
    net = Net("a", "b", "c")
    net.elect()
    patient = Electorate(voters=("a", "b", "c"), epoch=1, longest_lease=5.0)
    roll(net, patient)
    longer = Electorate(voters=("a", "b", "c"), epoch=2, lease=4.0, longest_lease=5.0)
    roll(net, longer, Timing(lease_duration=4.0))
    net.run(5.0)
    leader = net.elect()
    net.run(10.0)
    assert net.leader() == leader
    assert electorates(net) == {longer}
