"""However many members are missed, a ping that tells of them can be sent."""

from __future__ import annotations

from tenure.peer.gate import Gate
from tenure.peer.keys import Keys
from tenure.peer.membership import Membership
from tenure.peer.messages import Envelope, Ping, Pong

OWN, OTHER = bytes(16), bytes([1]) * 16
ADDRESS = ("192.0.2.1", 7411)


def enveloped(sender: str, body: Ping | Pong, incarnation: bytes = OTHER) -> Envelope:
    return Envelope(
        sender=sender, incarnation=incarnation, epoch=0, highest=0, priority=0, eligible=True, body=body
    )


def test_a_ping_that_tells_of_many_can_be_sent() -> None:
    members = Membership("a", 0.5, 0.0)
    for number in range(9):
        members.hear(enveloped(f"b-{number}", Pong(1)), (f"192.0.2.{number}", 7411), 0.0)
    pings = [ping for step in range(6) for _, ping in members.probes(step * 0.5)]

    longest = max(pings, key=lambda ping: len(ping.missed))

    assert len(longest.missed) > 1
    Gate("default/x", Keys.of(b"k" * 32), OWN).seal(enveloped("a", longest, OWN), ADDRESS, 0.0)
