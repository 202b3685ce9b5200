"""Membership: who is believed to be there, whom one pings, and where news is sent."""

from __future__ import annotations

from tenure.events import Event, MemberAdded, MemberRemoved
from tenure.peer.membership import MOST_MEMBERS, MOST_MISSED, Address, Membership, MemberState
from tenure.peer.messages import Envelope, Ping

PERIOD = 0.5


def said_by(name: str, *, run: int = 1) -> Envelope:
    return Envelope(
        sender=name,
        incarnation=f"{name}/{run}".encode(),
        epoch=0,
        highest=0,
        priority=0,
        eligible=True,
        body=Ping(1),
    )


def at(name: str, port: int = 7) -> Address:
    return (name, port)


def membership(*names: str, now: float = 0.0) -> Membership:
    """Return one that has just heard of these members, and has pinged them."""
    members = Membership("me", PERIOD, now)
    members.set_targets([(name, at(name)) for name in names], now)
    members.probes(now)
    for name in names:
        members.hear(said_by(name), at(name), now)
    told(members)
    return members


def told(members: Membership) -> list[Event]:
    events = []
    while (event := members.next_event()) is not None:
        events.append(event)
    return events


def state(members: Membership, name: str) -> MemberState | None:
    member = members.get(name)
    return member and member.state


def pinged(members: Membership, now: float) -> list[str]:
    return [host for (host, _), _ in members.probes(now)]


# ---- alive, suspect, dead


def test_a_member_that_answers_stays_alive() -> None:
    members = membership("a")
    for step in range(1, 20):
        assert pinged(members, step * PERIOD) == ["a"]
        members.hear(said_by("a"), at("a"), step * PERIOD)
    assert state(members, "a") is MemberState.ALIVE
    assert told(members) == []


def test_a_member_that_does_not_answer_is_suspected_and_then_dead() -> None:
    members = membership("a")
    states = []
    for step in range(1, 7):
        members.probes(step * PERIOD)
        states.append(state(members, "a"))
    assert states == [MemberState.ALIVE, *[MemberState.SUSPECT] * 3, *[MemberState.DEAD] * 2]
    assert told(members) == [MemberRemoved(member="a")]


def test_a_suspect_that_is_heard_of_is_alive_and_no_event_tells() -> None:
    members = membership("a")
    for step in range(1, 4):
        members.probes(step * PERIOD)
    assert state(members, "a") is MemberState.SUSPECT
    members.hear(said_by("a"), at("a"), 4 * PERIOD)
    assert state(members, "a") is MemberState.ALIVE
    assert told(members) == []


def test_the_dead_that_come_back_are_added_again() -> None:
    members = membership("a")
    for step in range(1, 7):
        members.probes(step * PERIOD)
    told(members)
    members.hear(said_by("a", run=2), at("a", 8), 4.0)
    assert told(members) == [MemberAdded(member="a", address="a:8")]


def test_who_says_that_it_stops_is_dead_at_once_and_once() -> None:
    members = membership("a")
    members.part("a")
    members.part("a")
    members.part("who?")
    assert state(members, "a") is MemberState.DEAD
    assert told(members) == [MemberRemoved(member="a")]


def test_a_member_that_restarts_elsewhere_is_the_same() -> None:
    members = membership("a")
    members.hear(said_by("a", run=2), at("a", 8), 1.0)
    member = members.get("a")
    assert member is not None
    assert (member.incarnation, member.address) == (b"a/2", at("a", 8))
    assert told(members) == []
    assert members.address_of("a") == at("a", 8)
    assert members.audience() == (at("a", 8),)  # not where it was


def test_the_dead_are_forgotten_once_discovery_does_not_tell_of_them_any_more() -> None:
    members = membership("a", "b")
    members.part("a")
    members.part("b")
    members.set_targets([("b", at("b"))], 1.0)
    for step in range(1, 62):
        members.probes(step * PERIOD)
    assert members.get("a") is None
    assert state(members, "b") is MemberState.DEAD


def test_the_dead_are_forgotten_where_another_has_their_address() -> None:
    members = membership("a")
    members.part("a")
    members.set_targets([("b", at("a"))], 1.0)
    members.hear(said_by("b"), at("a"), 1.0)
    for step in range(1, 62):
        members.probes(step * PERIOD)
        members.hear(said_by("b"), at("a"), step * PERIOD)
    assert members.get("a") is None
    assert state(members, "b") is MemberState.ALIVE


def test_of_two_at_one_address_only_the_one_that_answers_is_alive() -> None:
    members = membership("old")
    members.hear(said_by("new"), at("old"), 0.0)
    for step in range(1, 8):
        members.probes(step * PERIOD)
        members.hear(said_by("new"), at("old"), step * PERIOD)
    assert state(members, "old") is MemberState.DEAD
    assert state(members, "new") is MemberState.ALIVE


def test_a_table_that_is_full_takes_no_more() -> None:
    members = Membership("me", PERIOD, 0.0)
    for number in range(MOST_MEMBERS + 1):
        members.hear(said_by(f"m{number}"), at(f"m{number}"), 0.0)
    assert len(list(members)) == MOST_MEMBERS
    assert members.get(f"m{MOST_MEMBERS}") is None


# ---- whom one pings


def test_who_is_new_is_pinged_at_once() -> None:
    members = membership("a")
    members.set_targets([("a", at("a")), ("b", at("b")), ("me", at("me"))], 0.1)
    assert members.probes_at == 0.1
    assert pinged(members, 0.1) == ["b", "a"]
    members.set_targets([("a", at("a")), ("b", at("b"))], 0.2)
    assert members.probes_at == 0.1 + PERIOD
    assert pinged(members, 0.2) == []


def test_three_are_pinged_in_a_period_one_after_another_however_many_there_are() -> None:
    names = [f"m{number:02}" for number in range(30)]
    members = membership(*names)
    seen: list[str] = []
    for step in range(1, 11):
        now = pinged(members, step * PERIOD)
        assert len(now) == 3
        for name in now:
            members.hear(said_by(name), at(name), step * PERIOD)
        seen += now
    assert sorted(seen) == names


def test_after_a_pause_nothing_is_made_up_for() -> None:
    members = membership("a")
    members.probes(100.0)
    assert members.probes_at == 100.0 + PERIOD


def test_a_suspect_is_pinged_every_period_and_told_to_others() -> None:
    names = [f"m{number:02}" for number in range(30)]
    members = membership(*names)
    quiet = pinged(members, PERIOD)
    chosen = members.probes(2 * PERIOD)
    assert set(quiet) <= {host for (host, _), _ in chosen}
    assert {ping.missed for _, ping in chosen} == {tuple(quiet)}


def test_no_more_names_are_told_than_fit() -> None:
    members = membership(*(f"m{number}" for number in range(9)))
    for step in range(1, 4):
        members.probes(step * PERIOD)
    (missed,) = {ping.missed for _, ping in members.probes(4 * PERIOD)}
    assert len(missed) == MOST_MISSED


def test_who_is_missed_by_another_is_looked_for() -> None:
    names = [f"m{number:02}" for number in range(30)]
    members = membership(*names)
    members.suspect("m29", 0.1)  # it was heard of a moment ago
    assert "m29" not in pinged(members, PERIOD)
    members.suspect("m29", 2 * PERIOD)
    assert "m29" in pinged(members, 2 * PERIOD)
    assert state(members, "m29") is MemberState.ALIVE


def test_all_are_pinged_when_something_is_to_be_announced() -> None:
    names = [f"m{number:02}" for number in range(30)]
    members = membership(*names)
    members.announce(0.1)
    assert set(pinged(members, 0.1)) == set(names)


def test_an_address_of_ones_own_is_found_out_and_left_out() -> None:
    members = Membership("me", PERIOD, 0.0)
    everywhere = [("", at("a")), ("", at("myself"))]
    members.set_targets(everywhere, 0.0)
    assert pinged(members, 0.0) == ["a", "myself"]
    members.meet_itself(at("myself"))
    members.set_targets(everywhere, 1.0)
    for step in range(2, 6):
        assert pinged(members, step * PERIOD) == ["a"]
    assert members.audience() == (at("a"),)


# ---- where others are


def test_a_name_is_learned_from_an_answer() -> None:
    members = Membership("me", PERIOD, 0.0)
    members.set_targets([("", at("10.0.0.1"))], 0.0)
    assert members.address_of("a") is None
    members.hear(said_by("a"), at("10.0.0.1"), 0.1)
    assert members.address_of("a") == at("10.0.0.1")
    assert members.audience() == (at("10.0.0.1"),)


def test_who_is_not_alive_is_looked_for_where_discovery_says() -> None:
    members = membership("a")
    members.part("a")
    assert members.address_of("a") == at("a")
    members.set_targets([("a", at("a", 8))], 1.0)
    assert members.address_of("a") == at("a", 8)
    members.set_targets([], 2.0)
    assert members.address_of("a") == at("a")


def test_news_goes_to_all_that_may_be_there_but_not_to_the_dead() -> None:
    members = membership("a", "b", "c")
    members.part("b")
    members.set_targets([("a", at("a")), ("b", at("b")), ("d", at("d")), ("", at("e"))], 1.0)
    assert members.audience() == (at("a"), at("c"), at("d"), at("e"))


def test_addresses_are_told_as_people_write_them() -> None:
    members = Membership("me", PERIOD, 0.0)
    members.hear(said_by("a"), ("10.0.0.1", 7), 0.0)
    members.hear(said_by("b"), ("fd00::1", 7), 0.0)
    assert told(members) == [
        MemberAdded(member="a", address="10.0.0.1:7"),
        MemberAdded(member="b", address="[fd00::1]:7"),
    ]


def test_news_of_discovery_that_comes_at_once_makes_nobody_suspect() -> None:
    members = membership("a")
    found = [("a", at("a"))]
    for number in range(8):
        found.append((f"new{number}", at(f"new{number}")))
        members.set_targets(found, 0.1)
        members.probes(0.1)
    members.announce(0.1)
    members.probes(0.1)
    assert state(members, "a") is MemberState.ALIVE
    assert told(members) == []
