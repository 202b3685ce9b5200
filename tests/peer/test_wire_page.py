"""docs/peer-wire.md says what the code does, byte by byte."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tenure.peer.gate import MOST_MEMBERS
from tenure.peer.layout import NAME
from tenure.peer.rate_limit import BURST, MOST_HOSTS, RATE
from tenure.peer.refusal import Refusal
from tenure.peer.window import WINDOW
from tenure.peer.wire import LARGEST, LAYOUTS, SMALLEST, cluster_of, read_header
from tests.peer.samples import ELECTION, KEYS
from tests.peer.vectors import PATH

PAGE = (Path(__file__).parents[2] / "docs" / "peer-wire.md").read_text()
EXAMPLE = next(
    bytes.fromhex(vector["datagram"])
    for vector in json.loads(PATH.read_text())["accepted"]
    if vector["about"] == "Propose"
)
ROW = re.compile(r"^\| (\d+) \| (\d+)( \+ n)? \| (\w[\w ]*): ", re.MULTILINE)


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[tuple[int, int, str]]:
    return [(int(offset), int(size), name) for offset, size, _, name in ROW.findall(section(title))]


def test_the_tables_leave_no_byte_out() -> None:
    found = rows("Every datagram") + rows("Every message")
    assert [offset for offset, _, _ in found] == [
        sum(size for _, size, _ in found[:number]) for number in range(len(found))
    ]
    assert sum(size for _, size, _ in rows("Every datagram")) + 32 == SMALLEST


def test_the_fields_stand_where_the_tables_say() -> None:
    at = {name: EXAMPLE[offset : offset + size] for offset, size, name in rows("Every datagram")}
    header = read_header(EXAMPLE, cluster_of(ELECTION))
    assert at["magic"] == b"TNUR"
    assert (at["version of this format"], at["type"]) == (b"\1", bytes((header.code,)))
    assert (at["cluster"], at["key id"]) == (cluster_of(ELECTION), KEYS.signing.id)
    assert (at["incarnation"], at["receiver"]) == (header.incarnation, header.route.receiver)
    assert int.from_bytes(at["session"], "big") == header.route.session
    assert int.from_bytes(at["sequence"], "big") == header.route.sequence


def test_the_bodies_are_those_of_the_code() -> None:
    found = re.findall(r"^\| (\d+) \| (\w+) \| (.*?) ?\|$", section("Bodies"), re.MULTILINE)
    assert len(found) == len(LAYOUTS)
    for (code, body, fields), layout in zip(found, LAYOUTS, strict=True):
        assert (code, body) == (str(layout.code), layout.body.__name__)
        assert fields == ", ".join(f"{name}: {kind.name}" for name, kind in layout.fields)


def test_the_values_are_those_of_the_code() -> None:
    kinds = {kind.name for layout in LAYOUTS for _, kind in layout.fields} | {NAME.name}
    assert set(re.findall(r"^\| ([^|]+) \| \d", section("Values"), re.MULTILINE)) == kinds


def test_the_datagram_that_is_taken_apart_is_one_of_the_vectors() -> None:
    block = section("One datagram").split("```")[1]
    parts = [line.split("   ")[0] for line in block.strip().splitlines()]
    assert bytes.fromhex("".join(parts)) == EXAMPLE
    assert f"`{KEYS.signing.secret.decode()}`" in section("One datagram")


def test_every_refusal_is_explained_in_the_order_in_which_it_is_looked_for() -> None:
    reasons = re.findall(r"^\| `(\w+)` \|", section("What is refused"), re.MULTILINE)
    assert reasons == [str(refusal) for refusal in Refusal]


def test_the_numbers_are_those_of_the_code() -> None:
    assert (LARGEST, WINDOW, MOST_HOSTS, MOST_MEMBERS) == (1200, 1024, 1024, 1024)
    limits = section("Limits")
    assert limits.count(f"{RATE:.0f} a second, {BURST:,.0f} at once") == 2
    assert limits.count("| 1,024 |") == 3
