"""Peers out of the Kubernetes API, when that is not well."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.devserver import DevServer
from tenure.errors import ConfigurationError, PermissionDeniedError
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.peer.discovery import follower
from tenure.peer.discovery.complaint import Complaint
from tenure.peer.discovery.endpoint_slices import EndpointSlicePeers
from tenure.peer.discovery.endpoints import EndpointsPeers
from tenure.peer.discovery.kube import KubePeers
from tenure.peer.discovery.peer import Peer
from tests.devserver.api import Api
from tests.kubernetes.server import Answer, ApiServer, Conversation, Seen, status
from tests.peer.discovery.sightings import Sightings, play, until, watched
from tests.peer.discovery.test_kube import PORTS, A, B, Service, at, endpoint

FORBIDDEN = status(403, "Forbidden", "endpointslices is forbidden")


def slice_of(*pods: tuple[str, str], version: int) -> dict[str, Any]:
    return {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": "reports-x", "resourceVersion": str(version)},
        "addressType": "IPv4",
        "endpoints": [endpoint(pod, ready=True) for pod in pods],
        "ports": PORTS,
    }


def listed(*pods: tuple[str, str], version: int) -> Answer:
    """A list of one slice."""
    metadata = {"resourceVersion": str(version)}
    items = [slice_of(*pods, version=version)]
    return Answer({"kind": "EndpointSliceList", "metadata": metadata, "items": items})


def event(kind: str, obj: Any) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


class Script:
    """Answers lists and watches one by one; the last of each stays."""

    def __init__(self, lists: Sequence[Answer], watches: Sequence[Answer | list[bytes] | None]) -> None:
        self.lists = list(lists)
        self.watches = list(watches)

    async def __call__(self, seen: Seen, conversation: Conversation) -> Answer | None:
        if "watch=true" not in seen.path:
            return self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        answer = self.watches.pop(0) if len(self.watches) > 1 else self.watches[0]
        if isinstance(answer, Answer):
            return answer
        await conversation.begin_chunks()
        for chunk in answer or []:
            await conversation.chunk(chunk)
        if answer is None:  # a watch on which nothing happens
            await conversation.wait_closed_by_peer()
        return None


@asynccontextmanager
async def scripted(
    lists: Sequence[Answer], watches: Sequence[Answer | list[bytes] | None]
) -> AsyncIterator[tuple[ApiServer, EndpointSlicePeers]]:
    """A server that follows a script, and peers that are looked for there."""
    async with ApiServer(handler=Script(lists, watches)) as server:
        yield server, EndpointSlicePeers("reports", "default", config=ClusterConfig(server=server.url))


def of_reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said of the peers."""
    beginning = "EndpointSlices of default/reports: "
    return [text.removeprefix(beginning) for text in caplog.messages if text.startswith(beginning)]


@pytest.fixture(autouse=True)
def _impatience(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO, "tenure")
    monkeypatch.setattr(follower, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(follower, "_LONGEST_PAUSE_S", 0.05)


def test_history_that_is_gone_is_read_anew(caplog: pytest.LogCaptureFixture) -> None:
    gone = event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})

    async def scene() -> None:
        lists = [listed(A, version=5), listed(A, B, version=9)]
        async with scripted(lists, [[gone], None]) as (server, peers), watched(peers) as sightings:
            assert await sightings.next() == at(A)
            assert await sightings.next() == at(A, B)
            async with waiting_for_more(sightings):
                await until(lambda: len(server.seen) == 4)
        versions = [seen.path.partition("resourceVersion=")[2].partition("&")[0] for seen in server.seen]
        assert versions == ["", "5", "", "9"]
        assert all(
            "labelSelector=kubernetes.io%2Fservice-name%3Dreports" in seen.path for seen in server.seen
        )

    play(scene)
    assert of_reports(caplog) == []


@asynccontextmanager
async def waiting_for_more(sightings: Sightings) -> AsyncIterator[None]:
    """Wait for another set, which does not come."""
    waiting = sightings.soon()
    yield
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.parametrize(
    "end",
    [[b""], [b'{"type":"MODIFIED","obj'], [b"not an event\n"], [b'{"type":"ADDED","object":5}\n']],
    ids=["in peace", "cut off", "no event", "no object"],
)
def test_a_watch_that_ends_is_followed_by_a_list(end: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    changed = event("MODIFIED", slice_of(A, B, version=6))

    async def scene() -> None:
        lists = [listed(A, version=5), listed(B, version=9)]
        async with scripted(lists, [[changed, *end], None]) as (_, peers), watched(peers) as sightings:
            assert await sightings.next() == at(A)
            assert await sightings.next() == at(A, B)
            assert await sightings.next() == at(B)

    play(scene)
    assert of_reports(caplog) == []


def test_a_watch_that_is_silent_for_long_is_followed_by_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "_LONGEST_SILENCE_S", 0.05)

    async def scene() -> None:
        async with (
            scripted([listed(A, version=5), listed(B, version=9)], [None]) as (_, peers),
            watched(peers) as sightings,
        ):
            assert await sightings.next() == at(A)
            assert await sightings.next() == at(B)

    play(scene)


def test_a_watch_is_asked_for_as_long_as_a_day() -> None:
    async def scene() -> None:
        async with scripted([listed(A, version=5)], [None]) as (server, peers), watched(peers) as sightings:
            await sightings.next()
            async with waiting_for_more(sightings):
                await until(lambda: len(server.seen) == 2)
        assert "timeoutSeconds=86400" in server.seen[1].path

    play(scene)


def test_leaving_a_watch_closes_its_connection() -> None:
    async def scene() -> None:
        async with scripted([listed(A, version=5)], [None]) as (server, peers):
            async with watched(peers) as sightings:
                await sightings.next()
                async with waiting_for_more(sightings):
                    await until(lambda: len(server.seen) == 2)
            await server.wait_all_closed()

    play(scene)


def test_an_outage_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        unavailable = status(503, "ServiceUnavailable", "come later")
        lists = [listed(A, version=5), unavailable, unavailable, listed(A, B, version=9)]
        async with scripted(lists, [[b""], None]) as (server, peers), watched(peers) as sightings:
            assert await sightings.next() == at(A)
            assert await sightings.next() == at(A, B)
        assert len([seen for seen in server.seen if "watch" not in seen.path]) == 4

    play(scene)
    trouble, over = of_reports(caplog)
    assert "503 come later" in trouble
    assert trouble.endswith("; the peers that are known stay")
    assert over == "all is well again"


def test_a_right_that_is_taken_away_later_is_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        lists = [listed(A, version=5), FORBIDDEN, FORBIDDEN, listed(A, B, version=9)]
        async with scripted(lists, [[b""], None]) as (_, peers), watched(peers) as sightings:
            assert await sightings.next() == at(A)
            assert await sightings.next() == at(A, B)

    play(scene)
    trouble, over = of_reports(caplog)
    assert '"verbs": ["list"]' in trouble
    assert over == "all is well again"


def test_without_the_right_to_watch_peers_are_listed_again_and_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene() -> None:
        lists = [listed(A, version=5), listed(A, B, version=9), listed(A, version=12)]
        watches: list[Answer | list[bytes] | None] = [
            FORBIDDEN,
            FORBIDDEN,
            [event("MODIFIED", slice_of(B, version=15))],
        ]
        async with scripted(lists, watches) as (_, peers), watched(peers) as sightings:
            assert await sightings.next() == at(A)
            assert await sightings.next() == at(A, B)
            assert await sightings.next() == at(A)
            assert await sightings.next() == at(B)  # now watching is allowed

    play(scene)
    trouble, over = of_reports(caplog)
    assert '"verbs": ["watch"]' in trouble
    assert trouble.endswith("; listed every 0.05 s instead")
    assert over == "all is well again"


def test_an_outage_at_the_start_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        lists = [Answer(b"<html>", 502), Answer(b"<html>", 502), listed(A, version=5)]
        async with scripted(lists, [None]) as (_, peers), watched(peers) as sightings:
            assert await sightings.next() == at(A)

    play(scene)
    trouble, over = of_reports(caplog)
    assert "502 <html>" in trouble
    assert over == "all is well again"


@pytest.mark.parametrize(
    "answer",
    [
        {"kind": "EndpointSliceList", "items": []},
        {"kind": "EndpointSliceList", "metadata": {"resourceVersion": "5"}, "items": [None]},
        {"kind": "EndpointSliceList", "metadata": {"resourceVersion": "5"}, "items": [{"metadata": {}}]},
    ],
)
def test_a_list_that_is_none_is_no_answer(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        async with (
            scripted([Answer(answer), listed(A, version=5)], [None]) as (_, peers),
            watched(peers) as sightings,
        ):
            assert await sightings.next() == at(A)

    play(scene)
    assert of_reports(caplog)[0].startswith("the server's list is none: {")


def test_a_refusal_at_the_start_is_final() -> None:
    async def scene() -> None:
        async with scripted([FORBIDDEN], [None]) as (_, peers), watched(peers) as sightings:
            with pytest.raises(PermissionDeniedError, match='"resources": \\["endpointslices"\\]'):
                await sightings.next()

    play(scene)


def test_credentials_that_cannot_work_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{}")
    peers = EndpointSlicePeers("reports", kubeconfig=tmp_path / "config")

    async def scene() -> None:
        async with watched(peers) as sightings:
            with pytest.raises(ConfigurationError, match="current-context"):
                await sightings.next()

    play(scene)


def test_without_a_cluster_the_error_says_what_else_there_is() -> None:
    async def scene() -> None:
        async with watched(EndpointSlicePeers("reports")) as sightings:
            with pytest.raises(ConfigurationError) as caught:
                await sightings.next()
        text = str(caught.value)
        assert text.startswith("no way to EndpointSlices of reports: not in a Pod")
        assert text.endswith("run in a Pod, pass kubeconfig=..., or name the peers in a list")

    play(scene)


def test_a_server_that_goes_and_comes_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = DevServer(port=port)

    async def scene() -> None:
        async with server:
            config = load_kubeconfig(server.kubeconfig(tmp_path / "config"))
            service = Service(Api(server.url), EndpointSlicePeers)
            await asyncio.to_thread(service.write, [A])
        sets = watched(EndpointSlicePeers("reports", config=config))
        async with sets as sightings:
            async with server:
                assert await sightings.next() == at(A)
            waiting = sightings.soon()
            await until(lambda: bool(of_reports(caplog)))
            async with server:
                await asyncio.to_thread(service.write, [A, B])
                assert await waiting == at(A, B)

    play(scene)
    trouble, over = of_reports(caplog)
    assert "the peers that are known stay" in trouble
    assert over == "all is well again"


# ---- what stands in the objects


def peers_in(kind: type[KubePeers], *objects: Any) -> set[Peer]:
    peers = kind("reports")
    named = {f"reports-{n}": obj for n, obj in enumerate(objects)}
    return set(peers._peers_in(named, Complaint(peers.describe)))


@pytest.mark.parametrize(
    ("slice_", "found"),
    [
        ({"endpoints": None, "ports": None}, set()),
        ({"ports": PORTS}, set()),
        ({"endpoints": [{"addresses": ["10.0.0.1"]}], "ports": PORTS}, {Peer("", "10.0.0.1", 7411)}),
        (
            {
                "endpoints": [{"addresses": ["10.0.0.1"], "targetRef": {"kind": "Node", "name": "n"}}],
                "ports": PORTS,
            },
            {Peer("", "10.0.0.1", 7411)},
        ),
        (
            {"endpoints": [{"addresses": ["10.0.0.1", "10.0.0.2"]}], "ports": PORTS},
            {Peer("", "10.0.0.1", 7411)},
        ),
        ({"addressType": "FQDN", "endpoints": [{"addresses": ["a.example"]}], "ports": PORTS}, set()),
        ({"endpoints": [{"addresses": []}, {"addresses": None}, {}], "ports": PORTS}, set()),
        *(
            ({"endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"name": "peers", "port": port}]}, set())
            for port in (None, True, 0, 65536, -1, "7411", 7411.0)
        ),
        (
            {
                "endpoints": [{"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": 5}}],
                "ports": PORTS,
            },
            {Peer("", "10.0.0.1", 7411)},
        ),
        ({"endpoints": [{"addresses": ["FD00::0:1"]}], "ports": PORTS}, {Peer("", "fd00::1", 7411)}),
    ],
)
def test_a_slice_says_what_it_says(slice_: Any, found: set[Peer]) -> None:
    assert peers_in(EndpointSlicePeers, slice_) == found


KEYS = [
    *("endpoints", "subsets", "addresses", "notReadyAddresses", "ip"),
    *("ports", "name", "port", "targetRef", "kind"),
]


def test_an_empty_slice_misses_no_port(caplog: pytest.LogCaptureFixture) -> None:
    assert peers_in(EndpointSlicePeers, {"endpoints": [], "ports": []}) == set()
    assert caplog.messages == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["10.0.0.1", "peers", "Pod", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["endpoints", "subsets", "ports"]), JSON))
def test_whatever_stands_in_an_object_breaks_nothing(obj: dict[str, Any]) -> None:
    for kind in (EndpointSlicePeers, EndpointsPeers):
        for name, host, port in peers_in(kind, obj):
            assert (type(name), host, type(port)) == (str, "10.0.0.1", int)


# ---- arguments


def test_the_ways_describe_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EndpointSlicePeers("reports").describe() == "EndpointSlices of reports"
    assert EndpointsPeers("reports", "ns").describe() == "Endpoints of ns/reports"
    assert EndpointsPeers("reports", "ns").names() == ()
    monkeypatch.setenv("POD_NAMESPACE", "pods")
    assert EndpointSlicePeers("reports").describe() == "EndpointSlices of pods/reports"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"service": "a.b"}, "service 'a.b' is none that Kubernetes accepts"),
        ({"service": "a", "namespace": "A"}, "namespace 'A' is none"),
        ({"service": "a", "port": ""}, "port '' is none"),
        ({"service": "a", "port": 0}, "port 0 is none: ports go from 1 to 65535"),
        ({"service": "a", "port": 65536}, "port 65536 is none"),
        ({"service": "a", "context": "c"}, "context 'c' needs a kubeconfig"),
    ],
)
def test_arguments_that_cannot_be(arguments: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EndpointSlicePeers(**arguments)
    assert str(caught.value).startswith(fault)
