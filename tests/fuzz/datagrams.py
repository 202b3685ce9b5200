"""Datagrams: what the gate of peer mode makes of bytes that no member has sent, sealed properly or not."""

from __future__ import annotations

import random

from tenure.peer.gate import MOST_MEMBERS, Address, Admission, Gate
from tenure.peer.keys import Keys
from tenure.peer.messages import Ping
from tenure.peer.rate_limit import MOST_HOSTS
from tenure.peer.wire import LARGEST, Route, cluster_of, encode, encode_greeting, read_header
from tests.fuzz.target import Target
from tests.fuzz.values import mutate_bytes
from tests.peer.samples import BODIES, ELECTION, KEYS, RECEIVER, SENDER, envelope
from tests.peer.vectors import reseal

__all__ = ["make_target"]

_CLUSTER = cluster_of(ELECTION)
_SEAL, _HEADER, _KEY_ID = 32, 62, 14
# The first session that a gate begins, as if its sender had just been greeted.
_SEEDS = [
    *(
        encode(envelope(body), Route(RECEIVER, 1, number), _CLUSTER, KEYS)
        for number, body in enumerate(BODIES, 1)
    ),
    encode_greeting(SENDER, Route(RECEIVER, 1, 1), _CLUSTER, KEYS),
]
_NEXT = encode(envelope(Ping(1)), Route(RECEIVER, 1, 1000), _CLUSTER, KEYS)
_SOURCE: Address = ("192.0.2.1", 7400)
_ODD_BYTES = (0, 1, 2, 3, 4, 0x7F, 0x80, 0xC3, 0xED, 0xFD, 0xFE, 0xFF)


def make_target() -> Target:
    """Return the target: a datagram is let in as what it says, or changes nothing."""
    return _Datagrams()


class _Datagrams:
    def __init__(self) -> None:
        self._veteran = Gate(ELECTION, KEYS, RECEIVER)
        self._fed = 0

    def check(self, decisions: random.Random) -> None:
        data = _draw(decisions)
        host = f"host-{decisions.getrandbits(12)}"
        gate = Gate(ELECTION, KEYS, RECEIVER)
        gate.seal(envelope(Ping(1), "receiver", RECEIVER), _SOURCE, 0.0)  # what a greeting may answer
        admission = gate.admit(data, _SOURCE, 0.0)
        assert gate.admitted + gate.greeted + gate.refused.total() == 1
        if admission.envelope:
            _check_admitted(data, admission)
        else:
            assert gate.admit(_NEXT, _SOURCE, 0.0).envelope, "a member is not heard any more"
        if admission.answer and not gate.greeted:
            assert len(admission.answer) < len(data)
        self._fed += 1
        self._veteran.admit(data, (host, 1), float(self._fed))

    def close(self) -> None:
        """Look whether one gate for all of it has kept within its bounds."""
        gate = self._veteran
        assert gate.admitted + gate.greeted + gate.refused.total() == self._fed
        assert len(gate._senders) <= MOST_MEMBERS
        assert len(gate._receivers) <= MOST_MEMBERS
        assert len(gate._rate_limit._known) <= MOST_HOSTS


def _check_admitted(data: bytes, admission: Admission) -> None:
    """What was let in is, byte for byte, what its message is written as under the key that it names."""
    assert admission.envelope
    header = read_header(data, _CLUSTER)
    secret = KEYS.find(header.key_id)
    assert secret is not None
    assert encode(admission.envelope, header.route, _CLUSTER, Keys.of(secret)) == data


def _draw(decisions: random.Random) -> bytes:
    choice = decisions.randrange(10)
    if choice == 0:
        return decisions.randbytes(decisions.randrange(LARGEST + 100))
    seed = decisions.choice(_SEEDS)
    if choice < 3:
        return mutate_bytes(decisions, seed)
    content = seed[:-_SEAL]
    if choice < 6:
        content = mutate_bytes(decisions, content)
    elif choice < 8:
        content = _poked(decisions, content)
    else:
        content = content[:_HEADER] + decisions.choice(_SEEDS)[_HEADER:-_SEAL]
    key = decisions.choice(KEYS.valid)
    if decisions.random() < 0.9:
        content = content[:_KEY_ID] + key.id + content[_KEY_ID + len(key.id) :]
    return reseal(content, key.secret)


def _poked(decisions: random.Random, content: bytes) -> bytes:
    """Return the content with one to three bytes, mostly behind the header, that lengths trip over."""
    changed = bytearray(content)
    for _ in range(1 + decisions.randrange(3)):
        first = _HEADER if len(changed) > _HEADER and decisions.random() < 0.9 else 0
        changed[decisions.randrange(first, len(changed))] = decisions.choice(_ODD_BYTES)
    return bytes(changed)
