"""A candidate that no majority answers says so, once, and names whom it waits for."""

from __future__ import annotations

from tenure.events import RecordTrouble
from tests.peer.net import Net

T = 2.0


def said(net: Net, name: str) -> list[str]:
    return [event.message for event in net.events(name, RecordTrouble)]


def test_the_voters_that_are_missing_are_named_once_in_each_spell() -> None:
    net = Net("a", "b", "c", "d", "e", voters="abcde")
    net.elect()
    for name in "bcd":
        net.crash(name)
    net.run(2.5 * T)
    assert said(net, "e") == []
    net.run(20 * T)
    assert said(net, "e") == ["no majority of the voters answers: b, c, d are silent"]
    net.start("b")
    leader = net.elect(within=4 * T)
    net.run(20 * T)
    assert said(net, "e") == ["no majority of the voters answers: b, c, d are silent"]
    for name in [each for each in "ab" if each != leader][:1]:
        net.crash(name)
        gone = sorted([name, "c", "d"])
    net.run(20 * T)
    complaints = [message for name in net.peers for message in said(net, name)]
    assert f"no majority of the voters answers: {', '.join(gone)} are silent" in complaints


def test_a_voter_that_restarts_is_not_worth_a_word() -> None:
    net = Net("a", "b", "c")
    net.elect()
    for name in "cba":
        net.crash(name)
        net.run(0.5)
        net.start(name)
        net.run(4 * T)
    assert [said(net, name) for name in "abc"] == [[], [], []]
