"""What the switch does to datagrams."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest

from tests.chaos.namespace import Namespace
from tests.chaos.network import NetworkFault
from tests.chaos.peers.faults import Partition
from tests.chaos.peers.switch import Port, Switch
from tests.chaos.peers.troubles import PEER_FAULTS
from tests.chaos.trouble import Trouble
from tests.sidecar.process import eventually

PORT = 7411
MANY = 200


class End:
    """A socket in one of the places."""

    def __init__(self, port: Port) -> None:
        namespace = Namespace(port.namespace)
        self.address = (port.address, PORT)
        self._socket = namespace.run(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)
        self.heard: list[bytes] = []
        namespace.close()

    def say(self, to: End, *words: bytes) -> None:
        for word in words:
            self._socket.sendto(word, to.address)

    def listen(self) -> list[bytes]:
        try:
            while True:
                self.heard.append(self._socket.recv(1 << 16))
        except BlockingIOError:
            return self.heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def ends(switch: Switch) -> Iterator[tuple[End, End]]:
    """Two sockets that reach each other."""
    pair = End(switch.ports[0]), End(switch.ports[1])
    yield pair
    for end in pair:
        end.close()


def passes(source: End, target: End, word: bytes) -> bool:
    """Tell whether a word arrives, before another one that is sent again and again to the same end."""
    source.say(target, word)
    return bool(eventually(lambda: word in target.listen()))


def test_both_hear_each_other(ends: tuple[End, End]) -> None:
    a, b = ends
    assert passes(a, b, b"to b")
    assert passes(b, a, b"to a")


@pytest.mark.parametrize("one_way", [True, False])
def test_a_partition_cuts_as_it_says_until_it_ends(
    switch: Switch, ends: tuple[End, End], one_way: bool
) -> None:
    a, b = ends
    partition = Partition(switch, ["a", "b"], one_way=one_way)
    said = partition.begin(random.Random(1))
    mute, deaf = (a, b) if said.startswith("a ") else (b, a)
    mute.say(deaf, b"lost")
    deaf.say(mute, b"back")
    if one_way:
        assert eventually(lambda: b"back" in mute.listen())
    partition.end()
    assert passes(mute, deaf, b"after")
    assert deaf.heard == [b"after"]
    assert mute.listen() == ([b"back"] if one_way else [])


def test_packets_come_twice(switch: Switch, ends: tuple[End, End]) -> None:
    a, b = ends
    switch.begin(0, "doubled", Trouble(copied=1.0))
    assert passes(a, b, b"x")
    assert eventually(lambda: b.listen() == [b"x", b"x"])
    switch.end(0, "doubled")
    assert passes(a, b, b"y")
    assert b.heard == [b"x", b"x", b"y"]


def test_a_share_of_the_packets_is_lost_and_the_rest_overtake_each_other(
    switch: Switch, ends: tuple[End, End]
) -> None:
    a, b = ends
    switch.seed(0, 7)
    switch.begin(0, "bad", Trouble(loss_out=0.5, jitter_s=0.2))
    words = [bytes([number]) for number in range(MANY)]
    a.say(b, *words)
    switch.end(0, "bad")
    eventually(lambda: len(b.listen()) > MANY / 4)
    assert passes(a, b, b"end")
    assert eventually(lambda: b.listen() != sorted(b.heard))
    assert len(b.heard) < MANY * 3 / 4


@pytest.mark.parametrize("name", PEER_FAULTS)
def test_troubles_of_datagrams_begin_and_end(switch: Switch, ends: tuple[End, End], name: str) -> None:
    a, b = ends
    fault = NetworkFault(name, switch, 0, "a", PEER_FAULTS[name])
    assert fault.begin(random.Random(2)).startswith("a: ")
    a.say(b, b"during")
    fault.end()
    assert passes(a, b, b"after")
    assert eventually(lambda: b"during" in b.listen())
