"""The codec: every message there and back, and nothing else."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.peer.ballot import NO_BALLOT, Ballot
from tenure.peer.keys import Keys
from tenure.peer.layout import MOST_NAMES
from tenure.peer.membership import Membership
from tenure.peer.messages import Body, Envelope, Held, Leading, Nack, Ping, Pong, Prepare, Propose, Vacant
from tenure.peer.refusal import Refusal, RefusedError
from tenure.peer.wire import (
    LARGEST,
    LAYOUTS,
    SMALLEST,
    Route,
    cluster_of,
    decode,
    encode,
    encode_greeting,
    read_header,
)
from tests.peer.samples import BODIES, ELECTION, KEYS, RECEIVER, SENDER, envelope, envelopes, incarnations
from tests.peer.vectors import PATH, message_of, reseal, route_of

CLUSTER = cluster_of(ELECTION)
ROUTE = Route(RECEIVER, 5, 77)
VECTORS = json.loads(PATH.read_text())
SEAL = 32


def read(data: bytes, keys: Keys = KEYS) -> tuple[Route, Envelope | None]:
    header = read_header(data, CLUSTER)
    return header.route, decode(data, header, keys)


def refusal(data: bytes, keys: Keys = KEYS) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        read(data, keys)
    return caught.value.refusal


def sealed(body: Body) -> bytes:
    return encode(envelope(body), ROUTE, CLUSTER, KEYS)


each_body = pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)


def test_every_body_is_declared_once_with_all_its_fields_in_order() -> None:
    assert sorted(layout.body.__name__ for layout in LAYOUTS) == sorted(
        body.__name__ for body in get_args(Body)
    )
    assert len({layout.code for layout in LAYOUTS}) == len(LAYOUTS)
    for layout in LAYOUTS:
        assert [name for name, _ in layout.fields] == [field.name for field in fields(layout.body)]


def test_the_samples_hold_every_body() -> None:
    assert {type(body) for body in BODIES} == set(get_args(Body))


@settings(max_examples=1000)
@given(
    envelopes,
    st.builds(Route, incarnations, st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)),
)
def test_every_message_comes_back_as_it_was(message: Envelope, route: Route) -> None:
    data = encode(message, route, CLUSTER, KEYS)
    assert len(data) <= LARGEST
    assert read(data) == (route, message)


def test_a_greeting_is_a_header_alone() -> None:
    data = encode_greeting(SENDER, ROUTE, CLUSTER, KEYS)
    assert len(data) == SMALLEST
    assert read(data) == (ROUTE, None)
    assert read_header(data, CLUSTER).incarnation == SENDER


@each_body
def test_a_greeting_is_shorter_than_what_it_answers(body: Body) -> None:
    shortest = encode(envelope(body, sender="a"), ROUTE, CLUSTER, KEYS)
    assert len(shortest) > SMALLEST


def test_a_ping_fits_however_many_are_missed() -> None:
    members = Membership("reports-0", 1.0, 0.0)
    for number in range(20):
        hidden = envelope(Pong(1), sender=f"{number:n>253}", incarnation=bytes((number,) * 16))
        members.hear(hidden, ("192.0.2.1", number), 0.0)
    pings = [ping for now in range(10) for _, ping in members.probes(float(now))]
    assert any(ping.missed for ping in pings)
    for ping in pings:
        assert len(sealed(ping)) <= LARGEST


def test_the_largest_message_fits() -> None:
    longest = "n" * 253
    data = encode(
        envelope(Ping(2**64 - 1, missed=(longest,) * MOST_NAMES), sender=longest), ROUTE, CLUSTER, KEYS
    )
    assert len(data) == 1142 <= LARGEST


@each_body
def test_no_byte_can_be_another(body: Body) -> None:
    data = sealed(body)
    for position in range(len(data)):
        for change in (0x01, 0x80, 0xFF):
            changed = bytearray(data)
            changed[position] ^= change
            refusal(bytes(changed))


@each_body
def test_no_byte_can_be_missing_or_too_many(body: Body) -> None:
    data = sealed(body)
    for length in range(len(data)):
        expected = Refusal.TRUNCATED if length < SMALLEST else Refusal.FORGED
        assert refusal(data[:length]) == expected
        refusal(data[len(data) - length :])
    assert refusal(data + b"\0") == Refusal.FORGED
    assert refusal(data + bytes(LARGEST)) == Refusal.OVERSIZED


@each_body
def test_what_is_cut_off_or_added_before_the_seal_is_refused_too(body: Body) -> None:
    content = sealed(body)[:-SEAL]
    for length in range(SMALLEST - SEAL, len(content)):
        assert refusal(reseal(content[:length])) == Refusal.MALFORMED
    assert refusal(reseal(content + b"\0")) == Refusal.MALFORMED


@settings(max_examples=1000)
@given(st.sampled_from(BODIES), st.data())
def test_what_is_accepted_is_what_its_content_is_written_as(body: Body, data: st.DataObject) -> None:
    """Also behind the seal: whoever has the key cannot say one thing in two ways."""
    content = bytearray(sealed(body)[:-SEAL])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    changed = reseal(bytes(content))
    try:
        header = read_header(changed, CLUSTER)
        message = decode(changed, header, KEYS)
    except RefusedError:
        return
    assert message is not None
    assert encode(message, header.route, CLUSTER, KEYS) == changed


def test_the_seal_is_looked_at_before_what_it_seals() -> None:
    nonsense = sealed(Ping(1))[:62] + b"\xff" * 80
    assert refusal(nonsense + bytes(SEAL)) == Refusal.FORGED
    assert refusal(reseal(nonsense)) == Refusal.MALFORMED


@pytest.mark.parametrize("changed", ["election", "version", "magic"])
def test_what_is_of_another_election_or_format_is_refused_without_a_look_at_its_seal(changed: str) -> None:
    data = bytearray(sealed(Ping(1)))
    position, expected = {
        "election": (6, Refusal.WRONG_CLUSTER),
        "version": (4, Refusal.WRONG_VERSION),
        "magic": (0, Refusal.FOREIGN),
    }[changed]
    data[position] ^= 1
    with pytest.raises(RefusedError) as caught:
        read_header(bytes(data), CLUSTER)
    assert caught.value.refusal == expected


def test_two_elections_have_two_clusters() -> None:
    clusters = {cluster_of(f"{namespace}/{name}") for namespace in ("a", "b") for name in ("a", "b")}
    assert len(clusters) == 4


def test_either_of_two_keys_may_have_sealed() -> None:
    first, second = (key.secret for key in KEYS.valid)
    for secret in (first, second):
        assert read(encode(envelope(Ping(1)), ROUTE, CLUSTER, Keys.of(secret)))[1] == envelope(Ping(1))
    data = sealed(Ping(1))
    assert read(data, Keys.of(second, first))[1] == envelope(Ping(1))
    assert refusal(data, Keys.of(second)) == Refusal.UNKNOWN_KEY


def test_the_id_of_a_key_is_no_key() -> None:
    content = sealed(Ping(1))[:-SEAL]
    assert refusal(reseal(content, KEYS.valid[1].secret)) == Refusal.FORGED
    assert refusal(reseal(content, KEYS.valid[0].id)) == Refusal.FORGED


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (envelope(Ping(-1)), "number"),
        (envelope(Pong(2**64)), "number"),
        (envelope(Ping(1, missed=("a",) * (MOST_NAMES + 1))), "missed"),
        (envelope(Ping(1, missed=("",))), "missed"),
        (envelope(Prepare(Ballot(2**64, SENDER))), "ballot"),
        (envelope(Prepare(NO_BALLOT)), "ballot"),
        (envelope(Held(Ballot(1, SENDER), -0.001)), "remaining"),
        (envelope(Held(Ballot(1, SENDER), math.inf)), "remaining"),
        (envelope(Held(Ballot(1, SENDER), math.nan)), "remaining"),
        (envelope(Held(Ballot(1, SENDER), 2.0**48)), "remaining"),
        (envelope(Nack(Ballot(1, SENDER), -1)), "round"),
        (envelope(Propose(Ballot(1, SENDER), 1.0, b"")), "incarnation"),
        (envelope(Leading(2**128, 1.0)), "token"),
        (envelope(Vacant("n" * 254)), "heir"),
        (envelope(Vacant("\ud800")), "heir"),
        (envelope(Ping(1), sender=""), "sender"),
        (envelope(Ping(1), sender="é" * 127), "sender"),
        (envelope(Ping(1), incarnation=b"short"), "incarnation"),
        (replace(envelope(Ping(1)), priority=1001), "priority"),
        (replace(envelope(Ping(1)), priority=-1), "priority"),
        (replace(envelope(Ping(1)), epoch=2**64), "epoch"),
        (replace(envelope(Ping(1)), highest=-1), "round"),
    ],
)
def test_what_has_no_place_in_a_datagram_is_named(message: Envelope, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        encode(message, ROUTE, CLUSTER, KEYS)


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: vector["about"])
def test_a_vector_is_what_it_says_both_ways(vector: dict[str, Any]) -> None:
    data, incarnation = bytes.fromhex(vector["datagram"]), bytes.fromhex(vector["incarnation"])
    keys = Keys.of(*(secret.encode() for secret in VECTORS["secrets"]))
    cluster, route = bytes.fromhex(VECTORS["cluster"]), route_of(vector["route"])
    header = read_header(data, cluster)
    assert (header.route, header.incarnation) == (route, incarnation)
    message = decode(data, header, keys)
    if vector["message"] is None:
        assert message is None
        assert encode_greeting(incarnation, route, cluster, keys) == data
    else:
        assert message == message_of(vector["message"], incarnation)
        assert encode(message_of(vector["message"], incarnation), route, cluster, keys) == data


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["about"])
def test_a_vector_is_refused_for_its_reason(vector: dict[str, Any]) -> None:
    assert refusal(bytes.fromhex(vector["datagram"])) == vector["refusal"]


def test_the_vectors_name_their_election_and_keys() -> None:
    assert bytes.fromhex(VECTORS["cluster"]) == cluster_of(VECTORS["election"])
    keys = Keys.of(*(secret.encode() for secret in VECTORS["secrets"]))
    assert [key.id.hex() for key in keys.valid] == VECTORS["key_ids"]
    assert {vector["message"]["body"]["type"] for vector in VECTORS["accepted"] if vector["message"]} == {
        layout.body.__name__ for layout in LAYOUTS
    }
