"""What a datagram says, and what says nothing."""

from __future__ import annotations

import json

import pytest

from tenure.peer.democracy.packets import (
    Chunk,
    Custom,
    MalformedError,
    Presence,
    Vote,
    decode,
    decode_text,
    encode_presence,
    encode_vote,
)

HELLO = {
    "event": "hello",
    "id": "a",
    "weight": 1.5,
    "state": "leader",
    "channels": ["news"],
    "source": "10.0.0.1:12345",
}


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in HELLO.items() if name != key}


def test_a_presence_is_written_and_read() -> None:
    known = {"identity": "a", "weight": 99.0, "is_leader": False, "source": "10.0.0.1:12345"}
    text = encode_presence("hello", channels=[], **known)  # type: ignore[arg-type]
    assert text == (
        '{"event":"hello","id":"a","weight":99,"state":"citizen","channels":[],"source":"10.0.0.1:12345"}'
    )
    assert decode(text.encode()) == Presence(event="hello", channels=(), **known)  # type: ignore[arg-type]
    text = encode_presence("ciao", channels=["n"], data={"ü": "\ud83d"}, **known)  # type: ignore[arg-type]
    assert text == (
        '{"event":"ciao","id":"a","weight":99,"state":"citizen","channels":["n"],'
        '"extra":{"ü":"\\ud83d"},"source":"10.0.0.1:12345"}'
    )
    assert decode(text.encode()) == Custom(identity="a", event="ciao", data={"ü": "\ud83d"})


def test_a_vote_is_written_and_read() -> None:
    text = encode_vote(identity="a", candidate="b", source="10.0.0.1:12345")
    assert text == '{"event":"vote","id":"a","candidate":"b","source":"10.0.0.1:12345"}'
    assert decode(text.encode()) == Vote(identity="a", candidate="b")


@pytest.mark.parametrize("event", ["hello", "leader", "subscribe"])
def test_presences(event: str) -> None:
    found = decode(json.dumps({**HELLO, "event": event, "weight": 10**30, "unknown": [{}]}).encode())
    assert isinstance(found, Presence)
    assert (found.event, found.weight, found.is_leader, found.channels) == (event, 1e30, True, ("news",))


def test_of_too_many_channels_the_first_are_kept() -> None:
    found = decode(json.dumps({**HELLO, "channels": [str(n) for n in range(1000)]}).encode())
    assert isinstance(found, Presence)
    assert found.channels == tuple(str(n) for n in range(64))


def test_a_chunk_is_read_and_chunks_within_chunks_are_not() -> None:
    text = '{"chunk":"x","id":"p","c":2,"i":1}'
    assert decode(text.encode()) == Chunk(packet="p", index=1, count=2, text="x")
    with pytest.raises(MalformedError):
        decode_text(text)
    assert decode_text(json.dumps(HELLO)) == decode(json.dumps(HELLO).encode())


GARBAGE = {
    "nothing": b"",
    "no text": b"\xff\xfe\x00",
    "a mark": b"\xef\xbb\xbf{}",
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "too deep": b"[" * 60_000,
    "too many digits": b'{"event":"hello","weight":' + b"9" * 60_000 + b"}",
    "no event": b'{"id":"a"}',
    "no id": b'{"event":"ciao"}',
    "an event that is no text": b'{"event":{},"id":"a"}',
    "an endless id": json.dumps({**HELLO, "id": "x" * 257}).encode(),
    "an empty id": json.dumps({**HELLO, "id": ""}).encode(),
    "a vote on nobody": b'{"event":"vote","id":"a"}',
    "a vote on a list": b'{"event":"vote","id":"a","candidate":[]}',
    "a chunk without a place": b'{"chunk":"x","id":"p"}',
    "a chunk of data": b'{"chunk":[1],"id":"p","c":2,"i":1}',
    "a chunk of none": b'{"chunk":"x","id":"p","c":0,"i":0}',
    "a chunk too far": b'{"chunk":"x","id":"p","c":2,"i":2}',
    "a chunk before all": b'{"chunk":"x","id":"p","c":2,"i":-1}',
    "a half chunk": b'{"chunk":"x","id":"p","c":2,"i":0.5}',
    "a true chunk": b'{"chunk":"x","id":"p","c":2,"i":true}',
    "a chunk with a number": b'{"chunk":"x","id":7,"c":2,"i":1}',
    **{f"a hello without {key}": json.dumps(without(key)).encode() for key in ("weight", "state", "source")},
    **{
        f"a hello with {key} {value}": json.dumps({**HELLO, key: value}).encode()
        for key, value in [
            ("weight", "99"),
            ("weight", True),
            ("weight", None),
            ("weight", float("nan")),
            ("weight", float("inf")),
            ("weight", 10**400),
            ("state", "removed"),
            ("state", []),
            ("channels", "news"),
            ("channels", [1]),
            ("channels", ["x" * 257]),
            ("source", 5),
            ("source", "x" * 257),
        ]
    },
    "no number": b'{"event":"ciao","id":"a","extra":NaN}',
    "an infinite weight": json.dumps(HELLO).replace("1.5", "1e999").encode(),
}


@pytest.mark.parametrize("datagram", GARBAGE.values(), ids=GARBAGE)
def test_what_says_nothing(datagram: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(datagram)
