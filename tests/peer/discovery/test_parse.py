"""The ways to find peers as a command line names them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenure.errors import ConfigurationError
from tenure.kubernetes.config import ClusterConfig
from tenure.peer.discovery.kube import KubePeers
from tenure.peer.discovery.parse import parse_discovery
from tenure.peer.discovery.peer import Peer
from tests.kubernetes.server import ApiServer
from tests.peer.discovery.sightings import play, watched
from tests.peer.discovery.test_kube_weather import listed


@pytest.mark.parametrize(
    ("text", "described", "names"),
    [
        ("endpointslices:reports", "EndpointSlices of reports", ()),
        ("endpointslices:prod/reports", "EndpointSlices of prod/reports", ()),
        ("endpointslices:prod/reports:7411", "EndpointSlices of prod/reports", ()),
        ("endpoints:reports:peers", "Endpoints of reports", ()),
        ("dns:reports:7411", "DNS records of reports", ()),
        ("dns:reports.prod.svc.cluster.local.:7411", "DNS records of reports.prod.svc.cluster.local.", ()),
        (
            "dns:reports-[0-2].reports:7411",
            "DNS records of reports-0 to reports-2 in reports",
            ("reports-0", "reports-1", "reports-2"),
        ),
        ("dns:my-set-[0-0].my.service:1", "DNS records of my-set-0 to my-set-0 in my.service", ("my-set-0",)),
        ("srv:_peers._udp.reports", "SRV records of _peers._udp.reports", ()),
        ("a=127.0.0.1:7001,b=127.0.0.1:7002", "list of 2 peers", ("a", "b")),
        ("127.0.0.1:7001, 127.0.0.1:7002", "list of 2 peers", ()),
        ("b.example:7001", "list of 1 peers", ()),
        ("[::1]:7001", "list of 1 peers", ()),
        ("dns=127.0.0.1:7001", "list of 1 peers", ("dns",)),
    ],
)
def test_every_way_has_its_form(text: str, described: str, names: tuple[str, ...]) -> None:
    found = parse_discovery(text)
    assert found.describe() == described
    assert found.names() == names


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "peers:1,2"
    path.write_text("a=127.0.0.1:7001\n")
    assert parse_discovery(f"file:{path}").describe() == f"file {path}"


@pytest.mark.parametrize(
    ("text", "port"), [("endpointslices:reports", 7411), ("endpointslices:reports:7000", 7000)]
)
def test_the_cluster_is_that_of_the_command_line(text: str, port: int) -> None:
    async def scene() -> None:
        async with ApiServer(listed(("reports-0", "10.0.0.1"), version=5)) as server:
            config = ClusterConfig(server=server.url, namespace="configured")
            async with watched(parse_discovery(text, cluster=lambda: config)) as sightings:
                assert await sightings.next() == {Peer("reports-0", "10.0.0.1", port)}
            assert "/namespaces/configured/endpointslices" in server.seen[0].path

    play(scene)


def test_the_namespace_of_the_command_line_is_for_services_that_name_none() -> None:
    assert parse_discovery("endpoints:a", namespace="here").describe() == "Endpoints of here/a"
    assert parse_discovery("endpoints:there/a", namespace="here").describe() == "Endpoints of there/a"


def test_no_cluster_is_asked_for_where_none_is_needed() -> None:
    def refuse() -> ClusterConfig:
        raise ConfigurationError("no cluster")

    assert not isinstance(parse_discovery("127.0.0.1:7001", cluster=refuse), KubePeers)
    with pytest.raises(ConfigurationError, match=r"^no cluster$"):
        parse_discovery("endpoints:a", cluster=refuse)


def test_the_documented_flags_are_of_the_documented_classes() -> None:
    page = (Path(__file__).parents[3] / "docs" / "peers.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| `([^`|]+)` \| `(\w+)\.(\w+)` \|", page, re.MULTILINE)
    assert len(rows) == 7
    for text, module, name in rows:
        kind = getattr(importlib.import_module(f"tenure.peer.discovery.{module}"), name)
        if text.startswith("file:"):
            with pytest.raises(ConfigurationError, match=f"^file {text.removeprefix('file:')}: "):
                parse_discovery(text)
        else:
            assert isinstance(parse_discovery(text), kind)


WAYS = (
    "; write endpointslices:SERVICE, endpoints:SERVICE, dns:HOST:PORT, srv:NAME, file:PATH "
    "or NAME=HOST:PORT,…"
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", f"'': host or port is missing: HOST:PORT{WAYS}"),
        ("reports", f"'reports': host or port is missing: HOST:PORT{WAYS}"),
        ("endpointslice:reports", f"'endpointslice:reports': 'reports' is no port{WAYS}"),
        ("127.0.0.1:7001,", f"'': host or port is missing: HOST:PORT{WAYS}"),
        ("endpointslices:", f"'endpointslices:': '' is no port{WAYS}"),
        ("srv:", f"'srv:': '' is no port{WAYS}"),
        ("endpointslices:a/b/c", "'a/b/c' is no Service: [NAMESPACE/]SERVICE[:PORT]"),
        ("endpoints:a:b:c", "'a:b:c' is no Service: [NAMESPACE/]SERVICE[:PORT]"),
        ("endpoints:/a", "'/a' is no Service: [NAMESPACE/]SERVICE[:PORT]"),
        ("endpoints:a:", "'a:' is no Service: [NAMESPACE/]SERVICE[:PORT]"),
        ("endpoints:a:70000", "port 70000 is none: ports go from 1 to 65535"),
        ("dns:reports", "'reports': host or port is missing: HOST:PORT"),
        ("dns:10.0.0.1:7411", "10.0.0.1 is an address already: write a list, or the name of a Service"),
        (
            "dns:reports-[1-2].reports:7411",
            "'reports-[1-2].reports:7411' names no Pods of a StatefulSet: dns:SET-[0-LAST].SERVICE:PORT",
        ),
        ("dns:reports-[0-2].reports", "'reports': host or port is missing: HOST:PORT"),
        ("srv:a b", "'a b' is neither an address nor a host name"),
        ("file:/nowhere/peers", "file /nowhere/peers: cannot be read: No such file or directory"),
    ],
)
def test_every_fault_has_its_line(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_discovery(text)
    assert str(caught.value) == fault


ANY_TEXT = st.text(max_size=30) | st.builds(
    "{}{}".format,
    st.sampled_from(["endpointslices:", "endpoints:", "dns:", "srv:", "file:", "a=", ""]),
    st.text("ab0-[].:/=,@ \n\0ä", max_size=20),
)


@given(ANY_TEXT)
@example("file:\0")
@example("file:" + "a" * 5000)
@example("dns:" + "a." * 200 + ":1")
def test_any_text_is_a_way_or_has_one_line_that_says_why_not(text: str) -> None:
    try:
        said = parse_discovery(text).describe()
    except ConfigurationError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
