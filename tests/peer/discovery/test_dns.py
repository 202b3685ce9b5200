"""Peers out of DNS, of a server on loopback."""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tenure.errors import ConfigurationError
from tenure.peer.discovery.dns import DnsPeers
from tenure.peer.discovery.peer import Peer
from tenure.peer.discovery.resolver import Resolver
from tenure.peer.discovery.srv import SrvPeers
from tests.peer.discovery.name_server import DOMAIN, NameServer
from tests.peer.discovery.sightings import play, until, watched

PERIOD_S = 0.02

Stage = Callable[[Callable[[NameServer], Awaitable[None]]], None]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Run a scene with a name server."""

    def run(scene: Callable[[NameServer], Awaitable[None]]) -> None:
        async def played() -> None:
            async with NameServer(tmp_path) as server:
                await scene(server)

        play(played)

    return run


def nameless(*hosts: str) -> set[Peer]:
    return {Peer("", host, 7411) for host in hosts}


def addresses(server: NameServer, **options: Any) -> DnsPeers:
    return DnsPeers("reports", 7411, period_s=PERIOD_S, resolver=server.resolver, **options)


def pods(server: NameServer) -> DnsPeers:
    return addresses(server, stateful_set="reports", ordinals=3)


def records(server: NameServer) -> SrvPeers:
    return SrvPeers(f"_peers._udp.reports.{DOMAIN}", period_s=PERIOD_S, resolver=server.resolver)


def of_dns(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said."""
    return [text for text in caplog.messages if " of " in text]


# ---- addresses


def test_addresses_are_found_through_the_search_domains(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        server.zone["reports", "A"] = ["10.0.0.1", "10.0.0.2"]
        async with watched(addresses(server)) as sightings:
            assert await sightings.next() == nameless("10.0.0.1", "10.0.0.2")
        assert server.asked == [("reports", "AAAA"), ("reports", "A")]

    stage(scene)


def test_a_name_in_another_search_domain_is_found(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        server.zone["reports.other.svc.cluster.local.", "A"] = ["10.0.0.1"]
        peers = DnsPeers("reports.other", 7411, period_s=PERIOD_S, resolver=server.resolver)
        async with watched(peers) as sightings:
            assert await sightings.next() == nameless("10.0.0.1")

    stage(scene)


def test_scaling_is_seen_and_nothing_else_is_told(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        server.zone["reports", "A"] = ["10.0.0.1"]
        async with watched(addresses(server)) as sightings:
            assert await sightings.next() == nameless("10.0.0.1")
            server.zone["reports", "A"] = ["10.0.0.3", "10.0.0.1"]
            assert await sightings.next() == nameless("10.0.0.1", "10.0.0.3")
            server.zone["reports", "A"] = ["10.0.0.3"]
            assert await sightings.next() == nameless("10.0.0.3")

    stage(scene)


def test_the_service_may_come_later_and_go(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(server: NameServer) -> None:
        async with watched(addresses(server)) as sightings:
            assert await sightings.next() == set()
            server.zone["reports", "AAAA"] = ["fd00::1"]
            assert await sightings.next() == nameless("fd00::1")
            del server.zone["reports", "AAAA"]
            assert await sightings.next() == set()

    stage(scene)
    assert of_dns(caplog) == []


@pytest.mark.parametrize("way", [addresses, pods, records])
def test_a_name_that_has_only_other_records_is_empty(
    stage: Stage, caplog: pytest.LogCaptureFixture, way: Callable[[NameServer], DnsPeers | SrvPeers]
) -> None:
    async def scene(server: NameServer) -> None:
        for name in ("reports", "reports-0.reports", "_peers._udp.reports"):
            server.zone[name, "TXT"] = ["nothing"]
        async with watched(way(server)) as sightings:
            assert await sightings.next() == set()

    stage(scene)
    assert of_dns(caplog) == []


@pytest.mark.parametrize(
    ("own", "found"), [(None, "10.0.0.1"), ("10.0.0.9", "10.0.0.1"), ("fd00::9", "fd00::1")]
)
def test_of_two_families_ones_own_counts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, own: str | None, found: str
) -> None:
    if own:
        monkeypatch.setenv("POD_IP", own)

    async def scene(server: NameServer) -> None:
        server.zone["reports", "A"] = ["10.0.0.1"]
        server.zone["reports", "AAAA"] = ["FD00:0:0::1"]
        async with watched(addresses(server)) as sightings:
            assert await sightings.next() == nameless(found)

    stage(scene)


def test_more_than_a_datagram_holds_comes_by_tcp(stage: Stage) -> None:
    many = [f"10.0.1.{n}" for n in range(100)]

    async def scene(server: NameServer) -> None:
        server.zone["reports", "A"] = many
        async with watched(addresses(server)) as sightings:
            assert await sightings.next() == nameless(*many)
        assert server.by_tcp == 1

    stage(scene)


@pytest.mark.parametrize("way", [addresses, pods, records])
def test_a_failure_is_said_once_and_the_last_set_stands(
    stage: Stage, caplog: pytest.LogCaptureFixture, way: Callable[[NameServer], DnsPeers | SrvPeers]
) -> None:
    caplog.set_level(logging.INFO, "tenure")

    async def scene(server: NameServer) -> None:
        server.zone["reports", "A"] = server.zone["reports-0.reports", "A"] = ["10.0.0.1"]
        server.zone["_peers._udp.reports", "SRV"] = [f"0 50 7411 reports-0.reports.{DOMAIN}."]
        async with watched(way(server)) as sightings:
            first = await sightings.next()
            server.failing |= {name for name, _ in server.zone}
            server.zone["reports", "A"] = server.zone["reports-0.reports", "A"] = ["10.0.0.2"]
            asked, waiting = len(server.asked), sightings.soon()
            await until(lambda: len(server.asked) >= asked + 8)
            assert not waiting.done()
            server.failing.clear()
            assert await waiting == {peer._replace(host="10.0.0.2") for peer in first}

    stage(scene)
    trouble, over = of_dns(caplog)
    assert "SERVFAIL" in trouble
    assert trouble.endswith("; the peers that are known stay")
    assert over.endswith(": all is well again")


def test_nothing_is_told_before_the_first_answer(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(server: NameServer) -> None:
        server.silent = True
        async with watched(addresses(server)) as sightings:
            waiting = sightings.soon()
            await until(lambda: bool(of_dns(caplog)))
            assert not waiting.done()
            server.silent = False
            server.zone["reports", "A"] = ["10.0.0.1"]
            assert await waiting == nameless("10.0.0.1")

    stage(scene)


# ---- the Pods of a StatefulSet


def named(**hosts: str) -> set[Peer]:
    return {Peer(name.replace("_", "-"), host, 7411) for name, host in hosts.items()}


def test_pods_are_known_by_name_before_they_are_there(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        assert pods(server).names() == ("reports-0", "reports-1", "reports-2")
        server.zone["reports-0.reports", "A"] = ["10.0.0.1"]
        async with watched(pods(server)) as sightings:
            assert await sightings.next() == named(reports_0="10.0.0.1")
            server.zone["reports-2.reports", "A"] = ["10.0.0.3"]
            assert await sightings.next() == named(reports_0="10.0.0.1", reports_2="10.0.0.3")
            server.zone["reports-0.reports", "A"] = ["10.0.0.9"]
            assert await sightings.next() == named(reports_0="10.0.0.9", reports_2="10.0.0.3")
            del server.zone["reports-2.reports", "A"]
            assert await sightings.next() == named(reports_0="10.0.0.9")

    stage(scene)


def test_a_failure_of_one_name_leaves_the_others_alone(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        server.zone["reports-0.reports", "A"] = ["10.0.0.1"]
        server.zone["reports-1.reports", "A"] = ["10.0.0.2"]
        async with watched(pods(server)) as sightings:
            assert await sightings.next() == named(reports_0="10.0.0.1", reports_1="10.0.0.2")
            server.failing.add("reports-0.reports")
            server.zone["reports-1.reports", "A"] = ["10.0.0.8"]
            assert await sightings.next() == named(reports_0="10.0.0.1", reports_1="10.0.0.8")

    stage(scene)


def test_a_pod_has_one_address(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        server.zone["reports-1.reports", "A"] = ["10.0.0.22", "10.0.0.3"]
        server.zone["reports-1.reports", "AAAA"] = ["fd00::1"]
        async with watched(pods(server)) as sightings:
            assert await sightings.next() == named(reports_1="10.0.0.3")

    stage(scene)


# ---- SRV records


def write_records(server: NameServer, *entries: tuple[str, int, str, list[str]]) -> None:
    """One record for each: the first label of its target, the port, the kind and texts of the addresses."""
    lines = [f"0 50 {port} {label}.reports.{DOMAIN}." for label, port, _, _ in entries]
    server.zone["_peers._udp.reports", "SRV"] = lines
    for label, _, kind, hosts in entries:
        server.zone[f"{label}.reports", kind] = hosts


@pytest.mark.parametrize("bare", [False, True])
def test_records_tell_names_addresses_and_ports(stage: Stage, bare: bool) -> None:
    async def scene(server: NameServer) -> None:
        server.bare = bare
        write_records(
            server, ("reports-0", 7411, "A", ["10.0.0.1"]), ("reports-1", 7000, "AAAA", ["fd00::2"])
        )
        async with watched(records(server)) as sightings:
            expected = {Peer("reports-0", "10.0.0.1", 7411), Peer("reports-1", "fd00::2", 7000)}
            assert await sightings.next() == expected
            first = list(server.asked)
            write_records(server, ("reports-0", 7411, "A", ["10.0.0.9"]))
            assert await sightings.next() == {Peer("reports-0", "10.0.0.9", 7411)}
        assert first[0] == ("_peers._udp.reports", "SRV")
        # One question, where the answer holds the addresses too.
        assert len(first) == (5 if bare else 1)

    stage(scene)


def test_a_target_that_is_an_address_once_more_is_no_name(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        write_records(server, ("10-0-0-1", 7411, "A", ["10.0.0.1"]), ("fd00--2", 7411, "AAAA", ["fd00::2"]))
        async with watched(records(server)) as sightings:
            assert await sightings.next() == nameless("10.0.0.1")

    stage(scene)


def test_a_service_that_is_not_there_is_empty(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        async with watched(records(server)) as sightings:
            assert await sightings.next() == set()
            write_records(server, ("reports-0", 7411, "A", ["10.0.0.1"]))
            assert await sightings.next() == {Peer("reports-0", "10.0.0.1", 7411)}

    stage(scene)


def test_records_are_found_through_the_search_domains(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        write_records(server, ("reports-0", 7411, "A", ["10.0.0.1"]))
        async with watched(SrvPeers("_peers._udp.reports", resolver=server.resolver)) as sightings:
            assert await sightings.next() == {Peer("reports-0", "10.0.0.1", 7411)}

    stage(scene)


def test_records_that_deny_the_service_name_no_peer(stage: Stage) -> None:
    async def scene(server: NameServer) -> None:
        server.zone["_peers._udp.reports", "SRV"] = ["0 0 0 ."]
        async with watched(records(server)) as sightings:
            assert await sightings.next() == set()
        assert server.asked == [("_peers._udp.reports", "SRV")]

    stage(scene)


# ---- arguments


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"host": "10.0.0.1", "port": 1}, "10.0.0.1 is an address already"),
        ({"host": "re ports", "port": 1}, "'re ports' is neither an address nor a host name"),
        ({"host": "reports", "port": 70000}, "port 70000 is none"),
        ({"host": "reports", "port": 1, "stateful_set": "a"}, "stateful_set='a', ordinals=0"),
        ({"host": "reports", "port": 1, "ordinals": 3}, "stateful_set=None, ordinals=3"),
        (
            {"host": "reports", "port": 1, "stateful_set": "a", "ordinals": -1},
            "stateful_set='a', ordinals=-1",
        ),
        ({"host": "reports", "port": 1, "stateful_set": "A", "ordinals": 1}, "stateful_set 'A' is none"),
    ],
)
def test_arguments_that_cannot_be(arguments: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DnsPeers(**arguments)
    assert str(caught.value).startswith(fault)


def test_a_service_name_that_cannot_be() -> None:
    with pytest.raises(ConfigurationError, match="neither an address nor a host name"):
        SrvPeers("_peers._udp..reports")


def test_the_ways_describe_themselves(tmp_path: Path) -> None:
    server = NameServer(tmp_path)
    server.port = 53
    assert addresses(server).describe() == "DNS records of reports"
    assert addresses(server).names() == ()
    assert pods(server).describe() == "DNS records of reports-0 to reports-2 in reports"
    assert records(server).describe() == f"SRV records of _peers._udp.reports.{DOMAIN}"
    assert records(server).names() == ()


@pytest.mark.parametrize("text", [None, "", "nameserver nobody\n", "search example.org\n"])
def test_a_configuration_without_name_servers(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "resolv.conf"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=f"^no name server can be had from {path}: "):
        Resolver(path)


@pytest.mark.parametrize("way", [lambda: DnsPeers("reports", 7411), lambda: SrvPeers("reports")])
def test_the_extra_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, way: Callable[[], object]
) -> None:
    monkeypatch.delitem(sys.modules, "tenure.peer.discovery.resolver")
    for module in [name for name in sys.modules if name.partition(".")[0] == "dns"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "dns", None)
    with pytest.raises(
        ConfigurationError, match=r"^peers by DNS need dnspython: pip install 'tenure\[dns\]'$"
    ):
        way()
