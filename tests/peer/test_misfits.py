"""Whoever is set up otherwise than this peer is told of once, until that is mended."""

from __future__ import annotations

from dataclasses import replace

from tenure.events import RecordTrouble
from tenure.peer.electorate import Electorate
from tenure.peer.messages import Envelope, Ping
from tenure.peer.misfits import Misfits
from tests.peer.net import Net

OURS = Electorate(voters=("a", "b", "c"), epoch=2)
OTHERS = Electorate(voters=("a", "b", "x"), epoch=2)


def said(misfits: Misfits, electorate: Electorate, sender: str = "b") -> str:
    ping = Ping(1, voters=electorate.digest)
    envelope = Envelope(
        sender=sender,
        incarnation=bytes(16),
        epoch=electorate.epoch,
        highest=0,
        priority=0,
        eligible=True,
        body=ping,
    )
    return misfits.meet(envelope, ping)


def test_who_goes_by_the_same_voters_fits_in_whatever_their_order_and_durations() -> None:
    misfits = Misfits("a", OURS)
    assert said(misfits, OURS) == ""
    assert said(misfits, replace(OURS, voters=("c", "a", "b"), longest_lease=9.0)) == ""
    assert said(misfits, replace(OURS, previous=("x", "y", "z"))) == ""


def test_other_voters_in_the_same_epoch_are_told_of_once_a_member_and_again_if_they_come_back() -> None:
    misfits = Misfits("a", OURS)
    trouble = (
        "b goes by other voters in the same epoch, so two may lead: give all the same voters, and any change "
        "of them a higher epoch"
    )
    assert [said(misfits, OTHERS), said(misfits, OTHERS)] == [trouble, ""]
    assert said(misfits, OTHERS, "x").startswith("x goes by other voters")
    assert said(misfits, OURS) == ""
    assert said(misfits, OTHERS) == trouble


def test_other_voters_in_an_epoch_of_their_own_are_a_change_and_no_fault() -> None:
    misfits = Misfits("a", OURS)
    assert said(misfits, replace(OTHERS, epoch=1)) == ""
    assert said(misfits, replace(OTHERS, epoch=3)) == (
        "b has epoch 3 of the voters, and this peer 2: who has that one refuses this peer until it is "
        "started anew with it"
    )
    assert said(misfits, replace(OTHERS, epoch=3), "c") == ""
    assert said(misfits, replace(OTHERS, epoch=4), "c").startswith("c has epoch 4")


def test_names_are_not_run_together() -> None:
    assert Electorate(voters=("ab", "c", "d")).digest != Electorate(voters=("a", "bc", "d")).digest


def test_peers_find_out() -> None:
    net = Net("a", "b", "c")
    net.start("d", electorate=replace(net.electorate, voters=("b", "c", "d")))
    net.run(1.0)
    assert [event.message.split(",")[0] for event in net.events("a", RecordTrouble)] == [
        "d goes by other voters in the same epoch"
    ]
    assert len(net.events("d", RecordTrouble)) == 3
