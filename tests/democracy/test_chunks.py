"""Long messages are cut and joined, whatever comes in between, and nothing is kept for long."""

from __future__ import annotations

import json
import random

import pytest

from tenure.peer.democracy.chunks import LONGEST_MESSAGE, MOST_CHUNKS, SMALLEST_PACKET, Assembly, cut
from tenure.peer.democracy.packets import Chunk, decode

PATIENCE_S = 3.0


def chunks_of(text: str, packet: str = "p", size: int = 508) -> list[Chunk]:
    found = [decode(datagram) for datagram in cut(text, size, packet)]
    assert all(isinstance(chunk, Chunk) for chunk in found)
    return found  # type: ignore[return-value]


def test_what_is_short_is_sent_as_it_is() -> None:
    assert cut("x" * 508, 508, "p") == [b"x" * 508]
    assert cut("ü" * 508, 508, "p") == ["ü".encode() * 508]  # counted in units, not in bytes
    assert len(cut("x" * 509, 508, "p")) == 2


def test_chunks_are_slices_of_utf_16_units() -> None:
    first, second = cut("x" * 455 + "\U0001f600" + "y" * 60, 508, "p")
    assert first == b'{"chunk":"' + b"x" * 455 + b'\\ud83d","id":"p","c":2,"i":0}'
    assert second == b'{"chunk":"\\ude00' + b"y" * 60 + b'","id":"p","c":2,"i":1}'


@pytest.mark.parametrize("seed", range(20))
def test_any_order_and_repetition_is_put_together(seed: int) -> None:
    draw = random.Random(seed)
    text = "".join(
        draw.choice(['"', "\\", "a", "ü", "\u2028", "\U0001f600"]) for _ in range(draw.randrange(509, 9000))
    )
    assembly = Assembly(PATIENCE_S)
    pieces = chunks_of(text)
    shuffled = draw.sample(pieces, len(pieces))
    *first, last = shuffled
    for piece in draw.choices(first, k=50) + first:
        assert assembly.add("sender", piece, 0.0) is None
    assert assembly.add("sender", last, 0.0) == text
    assert assembly.cost == 0


def test_messages_of_two_senders_are_not_mixed() -> None:
    assembly = Assembly(PATIENCE_S)
    one, other = chunks_of("x" * 600), chunks_of("y" * 600)
    assert assembly.add("one", one[0], 0.0) is None
    assert assembly.add("other", other[0], 0.0) is None
    assert assembly.add("one", Chunk(packet="p", index=1, count=3, text="!"), 0.0) is None  # of another count
    assert assembly.add("other", other[1], 0.0) == "y" * 600
    assert assembly.add("one", one[1], 0.0) == "x" * 600


def test_the_first_of_two_chunks_with_one_number_counts() -> None:
    assembly = Assembly(PATIENCE_S)
    one, other = chunks_of("x" * 600), chunks_of("y" * 600)
    assembly.add("one", one[0], 0.0)
    assembly.add("one", other[0], 0.0)
    assert assembly.add("one", one[1], 0.0) == "x" * 600


def test_half_a_pair_alone_is_replaced() -> None:
    assembly = Assembly(PATIENCE_S)
    assembly.add("one", Chunk(packet="p", index=0, count=2, text="\ud83d"), 0.0)
    assert assembly.add("one", Chunk(packet="p", index=1, count=2, text="x"), 0.0) == "\ufffdx"


def test_what_stays_unfinished_is_dropped_in_time() -> None:
    assembly = Assembly(PATIENCE_S)
    first, second = chunks_of("x" * 600)
    assembly.add("one", first, 0.0)
    assembly.forget(PATIENCE_S)
    assert assembly.cost
    assembly.forget(PATIENCE_S + 0.1)
    assert assembly.cost == 0
    assert assembly.add("one", second, PATIENCE_S + 0.1) is None


def test_room_is_bounded_and_the_oldest_give_way() -> None:
    assembly = Assembly(PATIENCE_S)
    early, late = chunks_of("x" * 600, "early"), chunks_of("y" * 600, "late")
    assembly.add("one", early[0], 0.0)
    for number in range(5000):
        assembly.add("flood", Chunk(packet=str(number), index=0, count=2, text="z" * number), 0.0)
        assert assembly.cost <= assembly.room
    assembly.add("one", late[0], 0.0)
    assert assembly.add("one", early[1], 0.0) is None
    assert assembly.add("one", late[1], 0.0) == "y" * 600


def test_chunks_of_too_many_are_not_kept() -> None:
    assembly = Assembly(PATIENCE_S)
    assert assembly.add("one", Chunk(packet="p", index=0, count=MOST_CHUNKS + 1, text="x"), 0.0) is None
    assert assembly.cost == 0


def test_the_longest_message_passes_in_the_smallest_packets() -> None:
    assembly = Assembly(PATIENCE_S)
    pieces = chunks_of("\U0001f600" * (LONGEST_MESSAGE // 2), size=SMALLEST_PACKET)
    assert len(pieces) == MOST_CHUNKS
    *_, text = [assembly.add("one", piece, 0.0) for piece in pieces]
    assert text == "\U0001f600" * (LONGEST_MESSAGE // 2)


def test_a_name_of_a_packet_may_be_any_text() -> None:
    datagram = cut("x" * 600, 508, 'a"b')[0]
    assert json.loads(datagram)["id"] == 'a"b'
