"""Peers out of a list and out of a file."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenure.errors import ConfigurationError
from tenure.peer.discovery import file as file_module
from tenure.peer.discovery import lookups
from tenure.peer.discovery.file import FilePeers
from tenure.peer.discovery.peer import Peer
from tenure.peer.discovery.static import StaticPeers
from tests.peer.discovery.sightings import play, until, watched

PERIOD_S = 0.02


class Names:
    """Stands in for the system's resolver.

    Attributes:
        hosts: addresses by name; a name without any cannot be looked up.
        held: what a lookup of "slow" waits for.
        asked: the names that were looked up.
    """

    def __init__(self) -> None:
        self.hosts: dict[str, list[str]] = {}
        self.held = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: None, *_: Any, type: int = 0, **__: Any) -> list[Any]:  # noqa: A002
        self.asked.append(host)
        if host == "slow":
            self.held.wait(60)
        if not self.hosts.get(host):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, type, 17, "", (each, 0))
            for each in self.hosts[host]
        ]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """The names that there are."""
    known = Names()
    monkeypatch.setattr(socket, "getaddrinfo", known)
    yield known
    known.held.set()


@pytest.fixture(autouse=True)
def _impatience(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO, "tenure")
    monkeypatch.setattr(file_module, "_PERIOD_S", PERIOD_S)
    monkeypatch.setattr(lookups, "_PATIENCE_S", 0.2)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said of lists and files."""
    return [text for text in caplog.messages if text.startswith(("list of", "file "))]


A, B = Peer("a", "127.0.0.1", 7001), Peer("b", "127.0.0.1", 7002)


# ---- lists


def test_a_mapping_names_its_peers() -> None:
    peers = StaticPeers({"b": "127.0.0.1:7002", "a": "127.0.0.1:7001"})
    assert peers.names() == ("b", "a")
    assert peers.describe() == "list of 2 peers"

    async def scene() -> None:
        async with watched(peers) as sightings:
            assert await sightings.next() == {A, B}

    play(scene)


def test_a_list_names_those_whose_names_it_tells() -> None:
    peers = StaticPeers(["127.0.0.1:7001", " b = [FD00:0::1]:7002 "])
    assert peers.names() == ("b",)

    async def scene() -> None:
        async with watched(peers) as sightings:
            assert await sightings.next() == {A._replace(name=""), Peer("b", "fd00::1", 7002)}

    play(scene)


def test_addresses_of_both_families_are_all_peers() -> None:
    async def scene() -> None:
        async with watched(StaticPeers(["127.0.0.1:7001", "[::1]:7001"])) as sightings:
            assert await sightings.next() == {Peer("", "127.0.0.1", 7001), Peer("", "::1", 7001)}

    play(scene)


def test_the_systems_own_names_are_known() -> None:
    async def scene() -> None:
        async with watched(StaticPeers({"a": "localhost:7001"})) as sightings:
            assert await sightings.next() in ({A}, {A._replace(host="::1")})

    play(scene)


def test_host_names_are_looked_up_again_and_again(names: Names, caplog: pytest.LogCaptureFixture) -> None:
    peers = StaticPeers(
        {"a": "127.0.0.1:7001", "b": "b.example:7002", "c": "c.example:7003"}, period_s=PERIOD_S
    )

    async def scene() -> None:
        names.hosts["b.example"] = ["10.0.0.22", "fd00::2", "10.0.0.3"]
        async with watched(peers) as sightings:
            assert await sightings.next() == {A, Peer("b", "10.0.0.3", 7002)}
            names.hosts["b.example"] = ["10.0.0.4"]
            assert await sightings.next() == {A, Peer("b", "10.0.0.4", 7002)}
            names.hosts |= {"b.example": [], "c.example": ["fd00::3"]}
            both = {A, Peer("b", "10.0.0.4", 7002), Peer("c", "fd00::3", 7003)}
            assert await sightings.next() == both, "a name that is lost keeps its address"
            names.hosts["b.example"] = ["10.0.0.5"]
            both = {A, Peer("b", "10.0.0.5", 7002), Peer("c", "fd00::3", 7003)}
            assert await sightings.next() == both

    play(scene)
    without_c, without_b, over = said(caplog)
    assert without_c == (
        "list of 3 peers: cannot look up c.example (Name or service not known); the peers that are known stay"
    )
    assert "cannot look up b.example" in without_b
    assert over.endswith("all is well again")


def test_of_a_names_two_families_ones_own_counts(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_IP", "fd00::9")

    async def scene() -> None:
        names.hosts["b.example"] = ["10.0.0.2", "fd00::2"]
        async with watched(StaticPeers({"b": "b.example:7002"})) as sightings:
            assert await sightings.next() == {Peer("b", "fd00::2", 7002)}

    play(scene)


def test_a_slow_name_keeps_nobody_waiting(names: Names) -> None:
    peers = StaticPeers({"a": "127.0.0.1:7001", "b": "slow:7002", "c": "c.example:7003"}, period_s=PERIOD_S)

    async def scene() -> None:
        names.hosts = {"c.example": ["10.0.0.3"], "slow": ["10.0.0.2"]}
        c = Peer("c", "10.0.0.3", 7003)
        async with watched(peers) as sightings:
            assert await sightings.next() == {A, c}
            waiting = sightings.soon()
            await until(lambda: names.asked.count("c.example") >= 4)
            assert names.asked.count("slow") == 1, "one lookup at a time"
            names.held.set()
            assert await waiting == {A, Peer("b", "10.0.0.2", 7002), c}

    play(scene)


def test_leaving_while_a_name_is_looked_up_leaves_nothing_behind(names: Names) -> None:
    async def scene() -> None:
        async with watched(StaticPeers(["slow:7002"], period_s=PERIOD_S)) as sightings:
            assert await sightings.next() == set()
        names.held.set()

    play(scene)


@pytest.mark.parametrize(
    ("peers", "fault"),
    [
        ([], "no peer is named"),
        ("127.0.0.1:7001", "peers='127.0.0.1:7001' is one string"),
        (["127.0.0.1"], "'127.0.0.1': host or port is missing"),
        ([":7001"], "':7001': host or port is missing"),
        ([""], "'': host or port is missing"),
        (["127.0.0.1:"], "'127.0.0.1:': '' is no port"),
        (["127.0.0.1:seven"], "'127.0.0.1:seven': 'seven' is no port"),
        (["127.0.0.1:٣"], "'127.0.0.1:٣': '٣' is no port"),
        (["127.0.0.1:0"], "port 0 is none"),
        (["127.0.0.1:65536"], "port 65536 is none"),
        (["127.0.0.1:1000000"], "'127.0.0.1:1000000': '1000000' is no port"),
        (["::1"], "'::1': an IPv6 address stands in brackets: [::1]:PORT"),
        (["::1:7001"], "'::1:7001': an IPv6 address stands in brackets"),
        (["a:b:7001"], "'a:b:7001': brackets are for IPv6 addresses"),
        (["[127.0.0.1]:7001"], "'[127.0.0.1]:7001': brackets are for IPv6 addresses"),
        (["[a:b]:7001"], "'a:b' is neither an address nor a host name"),
        (["127.0.0.256:7001"], "'127.0.0.256' is neither an address nor a host name"),
        (["127.1:7001"], "'127.1' is neither"),
        (["a..b:7001"], "'a..b' is neither"),
        (["-a:7001"], "'-a' is neither"),
        ([f"{'a' * 64}:7001"], f"'{'a' * 64}' is neither"),
        (["ä.example:7001"], "'ä.example' is neither"),
        (["0.0.0.0:7001"], "0.0.0.0 is the address of no single peer"),
        (["[::]:7001"], ":: is the address of no single peer"),
        (["224.0.0.1:7001"], "224.0.0.1 is the address of no single peer"),
        (["=127.0.0.1:7001"], "'=127.0.0.1:7001': '' is no name"),
        (["a b=127.0.0.1:7001"], "'a b=127.0.0.1:7001': 'a b' is no name"),
        ({"a=b": "127.0.0.1:7001"}, "'a=b=127.0.0.1:7001': 'a=b' is no name"),
        ({"a\nb": "127.0.0.1:7001"}, "'a\\nb=127.0.0.1:7001': 'a\\nb' is no name"),
        (["a=127.0.0.1:7001", "a=127.0.0.1:7002"], "two peers have the name 'a'"),
        (["a=127.0.0.1:7001", "b=127.0.0.1:7001"], "two peers have the place 127.0.0.1, port 7001"),
        (["[::1]:7001", "[0::1]:7001"], "two peers have the place ::1, port 7001"),
    ],
)
def test_lists_that_cannot_be(peers: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        StaticPeers(peers)
    assert str(caught.value).startswith(fault)
    assert len(str(caught.value).splitlines()) == 1


# ---- files


def test_a_file_is_read_with_its_remarks(tmp_path: Path) -> None:
    path = tmp_path / "peers"
    path.write_text(
        "# who votes\r\nb=127.0.0.1:7002  # the second\r\n\r\n  a=127.0.0.1:7001\r\n127.0.0.1:7003"
    )
    peers = FilePeers(path)
    assert peers.names() == ("b", "a")
    assert peers.describe() == f"file {path}"

    async def scene() -> None:
        async with watched(peers) as sightings:
            assert await sightings.next() == {A, B, Peer("", "127.0.0.1", 7003)}

    play(scene)


def test_another_content_counts_however_it_came(tmp_path: Path) -> None:
    path = tmp_path / "peers"
    path.write_text("a=127.0.0.1:7001\n")
    before = path.stat()

    async def scene() -> None:
        async with watched(FilePeers(path)) as sightings:
            assert await sightings.next() == {A}
            path.write_text("b=127.0.0.1:7002\n")  # as long, and as old as it was
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            assert await sightings.next() == {B}
            (tmp_path / "new").write_text("a=127.0.0.1:7001\nb=127.0.0.1:7002\n")
            (tmp_path / "new").rename(path)
            assert await sightings.next() == {A, B}

    play(scene)


def test_a_mounted_configmap_is_swapped_by_its_symlink(tmp_path: Path) -> None:
    """As kubelet does it: peers -> ..data/peers, ..data -> a folder with a date."""

    def publish(version: str, text: str) -> None:
        (tmp_path / version).mkdir()
        (tmp_path / version / "peers").write_text(text)
        (tmp_path / "..data_tmp").symlink_to(version)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish("..2026_01", "a=127.0.0.1:7001\n")
    (tmp_path / "peers").symlink_to("..data/peers")

    async def scene() -> None:
        async with watched(FilePeers(tmp_path / "peers")) as sightings:
            assert await sightings.next() == {A}
            publish("..2026_02", "a=127.0.0.1:7001\nb=127.0.0.1:7002\n")
            assert await sightings.next() == {A, B}

    play(scene)


BAD: dict[bytes, str] = {
    b"a=127.0.0.1:7001\nb=127.0.0.1\n": "line 2: '127.0.0.1': host or port is missing",
    b"": "no peer is named",
    b"# nobody\n": "no peer is named",
    b"a=127.0.0.1:1\na=127.0.0.1:2\n": "two peers have the name 'a'",
    b"\xe4": "cannot be read: it is not UTF-8",
}


@pytest.mark.parametrize(("content", "fault"), list(BAD.items()))
def test_while_a_file_is_wrong_its_last_content_stands(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, fault: str
) -> None:
    path = tmp_path / "peers"
    path.write_text("a=127.0.0.1:7001\n")

    async def scene() -> None:
        async with watched(FilePeers(path)) as sightings:
            assert await sightings.next() == {A}
            waiting = sightings.soon()
            path.write_bytes(content)
            await until(lambda: bool(said(caplog)))
            assert not waiting.done()
            path.write_text("a=127.0.0.1:7001\nb=127.0.0.1:7002\n")
            assert await waiting == {A, B}

    play(scene)
    trouble, over = said(caplog)
    assert trouble.startswith(f"file {path}: {fault}")
    assert trouble.endswith("; the peers that are known stay")
    assert over == f"file {path}: all is well again"


def test_a_file_that_vanishes_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "peers"
    path.write_text("a=127.0.0.1:7001\n")
    peers = FilePeers(path)
    path.unlink()

    async def scene() -> None:
        async with watched(peers) as sightings:
            assert await sightings.next() == {A}, "what was read when it was made stands"
            waiting = sightings.soon()
            await until(lambda: bool(said(caplog)))
            path.write_text("b=127.0.0.1:7002\n")
            assert await waiting == {B}

    play(scene)
    trouble, _ = said(caplog)
    assert trouble == f"file {path}: cannot be read: No such file or directory; the peers that are known stay"


def test_a_path_of_two_lines_is_told_in_one(tmp_path: Path) -> None:
    path = tmp_path / "pe\ners"
    path.write_text("a=127.0.0.1:7001\n")
    assert FilePeers(path).describe() == f"file {tmp_path}/pe ers"


def test_host_names_in_files_are_looked_up_too(tmp_path: Path, names: Names) -> None:
    path = tmp_path / "peers"
    path.write_text("a=a.example:7001\n")
    names.hosts["a.example"] = ["127.0.0.1"]

    async def scene() -> None:
        async with watched(FilePeers(path)) as sightings:
            assert await sightings.next() == {A}
            names.hosts["a.example"] = ["127.0.0.3"]
            assert await sightings.next() == {A._replace(host="127.0.0.3")}

    play(scene)


@pytest.mark.parametrize("content", [*BAD, None])
def test_a_file_that_is_wrong_at_the_start_is_told_at_once(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "peers"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        FilePeers(path)
    assert str(caught.value).startswith(f"file {path}: ")
    assert len(str(caught.value).splitlines()) == 1
