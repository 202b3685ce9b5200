"""Turn: when a candidate tries."""

from __future__ import annotations

from tenure.handover import Preference
from tenure.peer.hearsay import Hearsay
from tenure.peer.membership import Membership
from tenure.peer.turn import Turn
from tenure.timing import Timing

T = 2.0


def turn() -> Turn:
    return Turn("a", Timing(lease_duration=T), Preference(), draw=lambda: 0.0)


def test_whoever_is_told_that_the_lease_is_held_waits_until_it_runs_out() -> None:
    trying, members = turn(), Membership("a", 0.5, 0.0)
    trying.failed(10.0, held_until=11.5)
    assert trying.starts_at(Hearsay(0.0), members) == 11.5


def test_unless_its_holder_gives_it_back() -> None:
    trying, members, hearsay = turn(), Membership("a", 0.5, 0.0), Hearsay(0.0)
    trying.failed(10.0, held_until=11.5)
    hearsay.give_up("b", "", 10.7, T)
    assert trying.starts_at(hearsay, members) == 10.7
    trying.failed(10.8, held_until=12.5)  # somebody else has it by now
    assert trying.starts_at(hearsay, members) == 12.5
