"""The gate: what is let in, once, and what a flood can take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tenure.peer.gate import MOST_MEMBERS, Address, Admission, Gate
from tenure.peer.keys import Keys
from tenure.peer.messages import Body, Bye, Envelope, Leading, Ping, Pong
from tenure.peer.rate_limit import BURST, MOST_HOSTS, RATE
from tenure.peer.refusal import Refusal
from tenure.peer.window import WINDOW
from tenure.peer.wire import SMALLEST, Route, cluster_of, decode, encode_greeting, read_header
from tests.peer.samples import ELECTION, KEYS, envelope
from tests.peer.vectors import PATH

SECRETS = [key.secret for key in KEYS.valid]
FOREIGN_HOST: Address = ("192.0.2.66", 4444)


class Member:
    """A process with a gate, at an address; `now` is the same for all."""

    now = 1000.0
    started = 0

    def __init__(self, name: str, host: str = "", keys: Keys = KEYS, election: str = ELECTION) -> None:
        Member.started += 1
        self.name = name
        self.address: Address = (host or f"host-of-{name}", 7400)
        self.incarnation = Member.started.to_bytes(16, "big")
        self.gate = Gate(election, keys, self.incarnation)

    def says(self, body: Body) -> Envelope:
        return envelope(body, self.name, self.incarnation)

    def seals(self, body: Body, to: Member) -> bytes:
        return self.gate.seal(self.says(body), to.address, Member.now)

    def admits(self, data: bytes, source: Member) -> Admission:
        return self.gate.admit(data, source.address, Member.now)

    def hears(self, data: bytes, source: Member) -> list[Body]:
        """Let the two exchange datagrams until there is no answer; return what this one was told."""
        heard, listener, speaker = [], self, source
        while True:
            admission = listener.admits(data, speaker)
            if admission.envelope:
                assert listener is self
                heard.append(admission.envelope.body)
            if admission.answer is None:
                return heard
            data, listener, speaker = admission.answer, speaker, listener

    def state(self) -> tuple[Any, ...]:
        """Return what a datagram may change, the budget of its source aside."""
        gate = self.gate
        senders = {
            name: (s.incarnation, s.session, s.window._highest, s.window._seen)
            for name, s in gate._senders._entries.items()
        }
        receivers = {a: (r.incarnation, r.session, r.sequence) for a, r in gate._receivers._entries.items()}
        return senders, receivers, gate._newest_session, gate._sequence, gate._answered._seen, gate.admitted


@pytest.fixture
def a() -> Member:
    return Member("a")


@pytest.fixture
def b() -> Member:
    return Member("b")


@pytest.fixture
def met(a: Member, b: Member) -> tuple[Member, Member]:
    """Two members that have talked to each other."""
    assert b.hears(a.seals(Ping(1), b), a) == [Ping(1)]
    assert a.hears(b.seals(Pong(1), a), b) == [Pong(1)]
    return a, b


def test_the_first_message_takes_a_round_trip_more_and_the_next_none(a: Member, b: Member) -> None:
    assert b.hears(a.seals(Ping(1), b), a) == [Ping(1)]
    assert b.gate.refused == {Refusal.OUTDATED: 1}
    assert a.gate.greeted == 1
    for number in range(2, 10):
        assert b.admits(a.seals(Ping(number), b), a) == Admission(a.says(Ping(number)))
    assert b.gate.refused.total() == 1
    assert b.gate.admitted == 9


def test_of_what_was_said_before_the_greeting_the_last_is_said_again(a: Member, b: Member) -> None:
    first, second = a.seals(Ping(1), b), a.seals(Ping(2), b)
    assert b.hears(first, a) == []
    assert b.hears(second, a) == [Ping(2)]


def test_what_is_older_than_a_second_is_not_said_again(a: Member, b: Member) -> None:
    data = a.seals(Leading(5, 2.0), b)
    greeting = b.admits(data, a).answer
    assert greeting is not None
    assert a.gate.admit(greeting, b.address, Member.now + 1).answer is None
    assert b.hears(a.seals(Ping(1), b), a) == [Ping(1)]


def test_a_datagram_is_let_in_once(met: tuple[Member, Member]) -> None:
    a, b = met
    data = a.seals(Ping(2), b)
    assert b.admits(data, a).envelope == a.says(Ping(2))
    before = b.state()
    for source in (a, Member("elsewhere")):
        assert b.admits(data, source) == Admission()
    assert b.state() == before
    assert b.gate.refused[Refusal.REPLAYED] == 2


def test_datagrams_may_overtake_each_other_within_the_window(met: tuple[Member, Member]) -> None:
    a, b = met
    datagrams = [a.seals(Ping(number), b) for number in range(WINDOW + 1)]
    late, oldest_in_time, *others = datagrams
    for data in reversed(others):
        Member.now += 0.01
        assert b.admits(data, a).envelope
    assert b.admits(oldest_in_time, a).envelope
    assert b.admits(late, a).envelope is None
    assert b.gate.refused[Refusal.REPLAYED] == 1


def test_nothing_recorded_comes_back_after_a_restart_of_the_receiver(met: tuple[Member, Member]) -> None:
    a, b = met
    recorded = [a.seals(Leading(5, 2.0), b) for _ in range(20)]
    for data in recorded[:10]:  # the others were held back
        b.admits(data, a)
    Member.now += 60
    reborn = Member("b")
    before = reborn.state()
    for data in recorded:
        admission = reborn.gate.admit(data, FOREIGN_HOST, Member.now)
        assert admission.envelope is None
        assert admission.answer is not None
        assert len(admission.answer) < len(data)
        assert a.hears(admission.answer, reborn) == []
    assert reborn.state() == before
    assert reborn.hears(a.seals(Ping(9), reborn), a) == [Ping(9)]


def test_a_member_that_lives_is_not_displaced_by_its_own_past(met: tuple[Member, Member]) -> None:
    """Not even where nobody remembers which of the two incarnations is the older."""
    past, b = met
    recorded = past.seals(Bye(), b)
    present = Member("a")
    for receiver in (b, Member("b")):
        assert receiver.hears(present.seals(Ping(1), receiver), present) == [Ping(1)]
        before = receiver.state()
        assert receiver.gate.admit(recorded, FOREIGN_HOST, Member.now).envelope is None
        assert receiver.state() == before
        assert receiver.admits(present.seals(Ping(2), receiver), present).envelope


def test_an_incarnation_that_was_replaced_stays_so_however_many_follow(met: tuple[Member, Member]) -> None:
    first, b = met
    recorded = first.seals(Bye(), b)
    for _ in range(50):
        latest = Member("a")
        assert b.hears(latest.seals(Ping(1), b), latest) == [Ping(1)]
    assert b.gate.admit(recorded, FOREIGN_HOST, Member.now).envelope is None
    assert b.admits(latest.seals(Ping(2), b), latest).envelope


def test_a_member_that_was_taken_for_gone_proves_that_it_lives(met: tuple[Member, Member]) -> None:
    a, b = met
    other = Member("a")
    assert b.hears(other.seals(Ping(1), b), other) == [Ping(1)]
    assert b.hears(a.seals(Ping(2), b), a) == [Ping(2)]
    assert b.hears(other.seals(Ping(3), b), other) == [Ping(3)]


def test_what_is_meant_for_one_is_nothing_to_another(met: tuple[Member, Member]) -> None:
    a, b = met
    c = Member("c")
    assert c.hears(a.seals(Ping(2), c), a) == [Ping(2)]
    before = c.state()
    assert c.admits(a.seals(Ping(3), b), a).envelope is None
    assert c.state() == before


def test_a_new_address_is_greeted_into_the_session_that_there_is(met: tuple[Member, Member]) -> None:
    a, b = met
    session = b.gate._newest_session
    b.address = ("new-host-of-b", 7400)
    assert b.hears(a.seals(Ping(2), b), a) == [Ping(2)]
    assert b.gate._newest_session == session


def test_two_that_begin_at_once_are_both_let_in() -> None:
    hub, members = Member("hub"), [Member(f"m-{number}") for number in range(5)]
    greetings = [hub.admits(member.seals(Ping(1), hub), member).answer for member in members]
    for member, greeting in zip(members, greetings, strict=True):
        assert greeting is not None
        again = member.admits(greeting, hub).answer
        assert again is not None
        assert hub.admits(again, member).envelope == member.says(Ping(1))


def greeting_for(a: Member, b: Member, sequence: int, session: int = 1, receiver: bytes = b"") -> bytes:
    route = Route(receiver or a.incarnation, session, sequence)
    return encode_greeting(b.incarnation, route, cluster_of(ELECTION), KEYS)


def test_a_greeting_counts_once(a: Member, b: Member) -> None:
    greeting = b.admits(a.seals(Ping(1), b), a).answer
    assert greeting is not None
    assert a.admits(greeting, b).answer is not None
    before = a.state()
    for source in (b, Member("elsewhere")):
        assert a.admits(greeting, source) == Admission()
    assert a.state() == before
    assert a.gate.refused == {Refusal.REPLAYED: 1 + 1}


def test_a_greeting_that_answers_nothing_is_refused(met: tuple[Member, Member]) -> None:
    a, b = met
    before, greeted = a.state(), a.gate.greeted
    for greeting in (
        greeting_for(a, b, sequence=a.gate._sequence + 1),
        greeting_for(a, b, sequence=a.gate._sequence, receiver=Member("other").incarnation),
    ):
        assert a.admits(greeting, b) == Admission()
    assert a.state() == before
    assert (a.gate.greeted, a.gate.refused[Refusal.OUTDATED]) == (greeted, 1 + 2)


def test_a_session_that_was_never_offered_does_not_begin(a: Member, b: Member) -> None:
    a.seals(Ping(1), b)
    a.admits(greeting_for(a, b, sequence=1, session=1000), b)
    assert b.admits(a.seals(Ping(2), b), a).envelope is None
    assert b.gate._newest_session == 0


def test_its_own_datagrams_are_refused(a: Member) -> None:
    assert a.admits(a.seals(Ping(1), a), a) == Admission()
    assert a.gate.refused == {Refusal.OWN: 1}


@pytest.mark.parametrize(
    "vector", json.loads(PATH.read_text())["refused"], ids=lambda vector: vector["about"]
)
def test_what_is_refused_changes_nothing_and_is_counted(
    met: tuple[Member, Member], vector: dict[str, str]
) -> None:
    a, b = met
    before, refused = b.state(), b.gate.refused.copy()
    for source in (a.address, FOREIGN_HOST):
        assert b.gate.admit(bytes.fromhex(vector["datagram"]), source, Member.now) == Admission()
    assert b.state() == before
    assert b.gate.refused - refused == {vector["refusal"]: 2}
    assert b.admits(a.seals(Ping(2), b), a).envelope


def test_another_election_on_the_same_address_is_not_heard(b: Member) -> None:
    other = Member("a", election="jobs/other")
    assert b.admits(other.seals(Ping(1), b), other) == Admission()
    assert b.gate.refused == {Refusal.WRONG_CLUSTER: 1}


def test_a_value_that_cannot_be_sent_leaves_nothing_to_be_sent_again(a: Member, b: Member) -> None:
    data = a.seals(Ping(1), b)
    with pytest.raises(ValueError, match="number"):
        a.seals(Ping(-1), b)
    assert b.hears(data, a) == [Ping(1)]


def test_a_secret_is_replaced_without_a_moment_of_deafness() -> None:
    old, new = SECRETS
    steps = [Keys.of(old), Keys.of(old, new), Keys.of(new, old), Keys.of(new)]
    a, b = Member("a", keys=steps[0]), Member("b", keys=steps[0])
    for keys in steps[1:]:
        for member in (a, b):  # one after the other, as kubelets do it
            member.gate.keys = keys
            assert b.hears(a.seals(Ping(1), b), a) == [Ping(1)]
            assert a.hears(b.seals(Ping(1), a), b) == [Ping(1)]
    for member in (a, b):
        assert set(member.gate.refused) == {Refusal.OUTDATED}  # first contact


def test_a_secret_that_others_do_not_know_yet_is_named_as_such() -> None:
    a, b = Member("a", keys=Keys.of(SECRETS[1], SECRETS[0])), Member("b", keys=Keys.of(SECRETS[0]))
    assert b.admits(a.seals(Ping(1), b), a) == Admission()
    assert b.gate.refused == {Refusal.UNKNOWN_KEY: 1}


def flood(member: Member, data: bytes, sources: list[Address], count: int) -> None:
    for number in range(count):
        member.gate.admit(data, sources[number % len(sources)], Member.now)


def test_what_is_over_the_rate_is_not_looked_into(
    met: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = met
    looked_into = []

    def recording(data: bytes, *args: Any) -> Any:
        looked_into.append(data)
        return decode(data, *args)

    monkeypatch.setattr("tenure.peer.gate.decode", recording)
    forged = a.seals(Ping(2), b)[:-1] + b"\0"
    Member.now += 60
    flood(b, forged, [FOREIGN_HOST], int(BURST) + 500)
    assert len(looked_into) == BURST
    assert b.gate.refused[Refusal.RATE_LIMITED] == 500
    Member.now += 0.125
    flood(b, forged, [FOREIGN_HOST], 500)
    assert len(looked_into) == BURST + RATE // 8


def test_a_flood_of_strangers_leaves_members_alone(met: tuple[Member, Member]) -> None:
    a, b = met
    forged = a.seals(Ping(2), b)[:-1] + b"\0"
    flood(b, forged, [(f"stranger-{number}", 1) for number in range(5000)], 5000)
    assert b.gate.refused[Refusal.RATE_LIMITED] >= 5000 - BURST
    for number in range(int(BURST) // 2):
        assert b.admits(a.seals(Ping(number), b), a).envelope


def test_a_flood_from_one_member_leaves_others_alone(met: tuple[Member, Member]) -> None:
    a, b = met
    c = Member("c")
    assert b.hears(c.seals(Ping(1), b), c) == [Ping(1)]
    flood(b, a.seals(Ping(2), b), [a.address], int(BURST) + 1)
    assert b.gate.refused[Refusal.RATE_LIMITED] > 0
    assert b.admits(a.seals(Ping(3), b), a) == Admission()
    assert b.admits(c.seals(Ping(2), b), c).envelope
    Member.now += 1
    assert b.admits(a.seals(Ping(4), b), a).envelope


def test_a_hundred_members_on_one_host_hear_each_other_from_the_start() -> None:
    members = [Member(f"m-{number}", host="127.0.0.1") for number in range(100)]
    for number, member in enumerate(members):
        member.address = ("127.0.0.1", 7400 + number)
    hub = members[0]
    for seconds in range(5):
        Member.now += 1
        for member in members[1:]:
            assert hub.hears(member.seals(Ping(seconds), hub), member) == [Ping(seconds)]
            assert member.hears(hub.seals(Pong(seconds), member), hub) == [Pong(seconds)]
    assert set(hub.gate.refused) == {Refusal.OUTDATED}


def test_strangers_take_no_memory(b: Member) -> None:
    """Neither what is forged, nor what is authentic but recorded."""
    recorded = Member("a").seals(Ping(1), Member("other"))
    for number in range(3000):
        Member.now += 0.01
        b.gate.admit(recorded if number % 2 else recorded[:-1] + b"\0", (f"host-{number}", 1), Member.now)
    assert len(b.gate._senders) == len(b.gate._receivers) == len(b.gate._rate_limit._known) == 0


def test_members_take_a_bounded_memory_and_those_forgotten_do_not_come_back_from_a_recording() -> None:
    hub, first = Member("hub"), Member("first")
    assert hub.hears(first.seals(Ping(1), hub), first) == [Ping(1)]
    recorded = first.seals(Bye(), hub)
    assert hub.admits(recorded, first).envelope
    for number in range(MOST_MEMBERS + 5):
        Member.now += 0.1
        member = Member(f"m-{number}")
        assert hub.hears(member.seals(Ping(1), hub), member) == [Ping(1)]
        hub.seals(Pong(1), member)
    assert (len(hub.gate._senders), len(hub.gate._receivers)) == (MOST_MEMBERS, MOST_MEMBERS)
    assert len(hub.gate._rate_limit._known) == MOST_HOSTS
    assert hub.gate._senders.get("first") is None
    assert hub.gate.admit(recorded, FOREIGN_HOST, Member.now).envelope is None
    assert hub.gate._senders.get("first") is None
    assert hub.hears(first.seals(Ping(2), hub), first) == [Ping(2)]
    assert hub.gate.admit(recorded, FOREIGN_HOST, Member.now).envelope is None


def test_a_member_that_speaks_is_not_the_one_that_is_forgotten() -> None:
    hub, steady = Member("hub"), Member("steady")
    for number in range(MOST_MEMBERS + 5):
        Member.now += 0.1
        member = Member(f"m-{number}")
        hub.hears(member.seals(Ping(1), hub), member)
        assert hub.hears(steady.seals(Ping(number), hub), steady) == [Ping(number)]
    assert hub.gate.refused[Refusal.OUTDATED] == MOST_MEMBERS + 5 + 1


def test_a_greeting_is_never_longer_than_what_it_answers(a: Member, b: Member) -> None:
    data = a.seals(Bye(), b)
    greeting = b.admits(data, a).answer
    assert greeting is not None
    assert len(greeting) == SMALLEST < len(data)
    assert read_header(greeting, cluster_of(ELECTION)).code == 0
