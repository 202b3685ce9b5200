"""The simulated network loses, doubles, delays and reorders datagrams, in one direction if it is told so."""

from __future__ import annotations

from random import Random

import pytest

from tenure.peer.membership import Address
from tenure.peer.messages import Envelope, Ping
from tenure.testing.peers.network import Network, Weather
from tenure.testing.schedule import Schedule


class Mailbox:
    """A host that keeps what arrives."""

    def __init__(self, name: str, address: Address | None = None) -> None:
        self.name = name
        self.address = address or (name, 1)
        self.numbers: list[int] = []
        self.sources: set[Address] = set()

    def receive(self, envelope: Envelope, source: Address) -> None:
        assert isinstance(envelope.body, Ping)
        self.numbers.append(envelope.body.number)
        self.sources.add(source)


class Wire:
    """Two hosts and what is between them."""

    def __init__(self) -> None:
        self.schedule = Schedule()
        self.network = Network(self.schedule, Random(1))
        self.a, self.b = Mailbox("a"), Mailbox("b")
        self.network.attach(self.a)
        self.network.attach(self.b)

    def send(self, count: int = 1, *, back: bool = False) -> list[int]:
        """Send some from a to b, or back; return what has arrived a second later, in this order."""
        sender, receiver = (self.b, self.a) if back else (self.a, self.b)
        receiver.numbers = []
        for number in range(count):
            envelope = Envelope(
                sender=sender.name,
                incarnation=b"",
                epoch=0,
                highest=0,
                priority=0,
                eligible=True,
                body=Ping(number),
            )
            self.network.send(sender, receiver.address, envelope)
        self.schedule.run(self.schedule.now + 1)
        return receiver.numbers


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_in_calm_weather_everything_arrives_soon_and_once(wire: Wire) -> None:
    assert sorted(wire.send(100)) == list(range(100))
    assert wire.b.sources == {wire.a.address}


def test_not_always_in_order(wire: Wire) -> None:
    assert wire.send(100) != list(range(100))


def test_nothing_arrives_at_once(wire: Wire) -> None:
    wire.network.send(wire.a, wire.b.address, object())  # type: ignore[arg-type]
    wire.schedule.run(0.0001)
    assert not wire.b.numbers


def test_a_share_is_lost(wire: Wire) -> None:
    wire.network.weather = Weather(loss=0.3)
    assert 600 < len(wire.send(1000)) < 800


def test_a_share_is_doubled(wire: Wire) -> None:
    wire.network.weather = Weather(duplication=0.3)
    assert 1200 < len(wire.send(1000)) < 1400


def test_a_share_is_late(wire: Wire) -> None:
    wire.network.weather = Weather(lateness=0.5, late_s=10.0)
    assert 450 < len(wire.send(1000)) < 650
    wire.schedule.run(12)
    assert len(wire.b.numbers) == 1000


def test_the_weather_of_one_process_is_that_of_all_that_it_sends_and_receives(wire: Wire) -> None:
    wire.network.local_weather["b"] = Weather(loss=1.0)
    assert not wire.send(10)
    assert not wire.send(10, back=True)


def test_a_cut_has_a_direction(wire: Wire) -> None:
    wire.network.cut([("a", "b")])
    assert not wire.send()
    assert wire.send(back=True) == [0]


def test_it_lasts_until_all_that_cut_have_mended(wire: Wire) -> None:
    wire.network.cut([("a", "b")])
    wire.network.cut([("a", "b")])
    wire.network.mend([("a", "b")])
    assert not wire.send()
    wire.network.mend([("a", "b")])
    assert wire.send() == [0]


def test_healing_ends_all_and_what_would_have_ended_it_later_does_no_harm(wire: Wire) -> None:
    wire.network.cut([("a", "b")])
    wire.network.weather = wire.network.local_weather["a"] = Weather(loss=1.0)
    wire.network.heal()
    wire.network.mend([("a", "b")])
    assert wire.send() == [0]


def test_whoever_has_the_address_by_then_receives_it(wire: Wire) -> None:
    wire.network.weather = Weather(lateness=1.0, late_s=5.0)
    wire.send(100)
    early = len(wire.b.numbers)
    successor = Mailbox("c", wire.b.address)
    wire.network.detach(wire.b)
    wire.network.attach(successor)
    wire.network.detach(wire.b)  # it is nobody's any more
    wire.schedule.run(10)
    assert len(successor.numbers) == 100 - early > 0


def test_where_nobody_is_nothing_arrives(wire: Wire) -> None:
    wire.network.detach(wire.b)
    assert not wire.send()
